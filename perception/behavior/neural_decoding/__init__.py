"""Neural activity to behaviour labels: generalised linear emissions, Markov dynamics, honest cross-validation.

The figure stands in its own room (`neural_decoding.raster_figure`), since it brings matplotlib with it.
"""

from perception.behavior.neural_decoding.activity import lagged
from perception.behavior.neural_decoding.block_folds import block_folds
from perception.behavior.neural_decoding.cross_validation import CrossValidation, cross_validate_decoder
from perception.behavior.neural_decoding.glm_hmm import GlmHmm, fit_glm_hmm
from perception.behavior.neural_decoding.glm_states import GlmStates, fit_glm_states
from perception.behavior.neural_decoding.neural_decoder import NeuralDecoder, NeuralDecoderConfig

__all__ = [
    "CrossValidation",
    "GlmHmm",
    "GlmStates",
    "NeuralDecoder",
    "NeuralDecoderConfig",
    "block_folds",
    "cross_validate_decoder",
    "fit_glm_hmm",
    "fit_glm_states",
    "lagged",
]
