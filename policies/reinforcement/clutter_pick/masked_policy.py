"""`ClutterPickPolicy` as MaskablePPO's actor, with a critic beside it."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import Tensor, nn

from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy, PolicySpec


class _Rows(BaseFeaturesExtractor):
    """The proposals and their mask in one row, untouched."""

    def __init__(self, observation_space: spaces.Dict) -> None:
        sizes = [spaces.flatdim(observation_space[key]) for key in ("proposals", "mask")]
        super().__init__(observation_space, sum(sizes))

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        return torch.cat([observations["proposals"], observations["mask"].float()], dim=1)


class _ActorCritic(nn.Module):
    """The actor's latent is its logits; the critic's is what the proposals are like on the whole."""

    def __init__(self, actor: ClutterPickPolicy, top_k: int) -> None:
        super().__init__()
        self.actor = actor
        self.critic = ClutterPickPolicy(actor.spec)
        self.critic.load_state_dict(actor.state_dict())
        self.latent_dim_pi, self.latent_dim_vf = top_k, 2 * actor.spec.hidden

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return self.actor.spec.sharpness * self.actor(*self._parts(features)).log_odds

    def forward_critic(self, features: Tensor) -> Tensor:
        return self.critic(*self._parts(features)).context

    def _parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        rows, mask = features[:, : -self.latent_dim_pi], features[:, -self.latent_dim_pi :]
        return rows.view(len(features), self.latent_dim_pi, -1), mask


class MaskedChoicePolicy(MaskableActorCriticPolicy):
    """MaskablePPO's policy class for ClutterPick; `policy_kwargs` hold the spec's fields.

    Args:
        spec: of the actor, as keyword arguments.
        *args: see MaskableActorCriticPolicy.
        **kwargs: see MaskableActorCriticPolicy.
    """

    mlp_extractor: _ActorCritic  # type: ignore[assignment]

    def __init__(self, *args: Any, spec: dict[str, Any], **kwargs: Any) -> None:
        self.spec = PolicySpec(**{**spec, "feature_names": tuple(spec["feature_names"])})
        super().__init__(*args, **{**kwargs, "features_extractor_class": _Rows})

    @property
    def actor(self) -> ClutterPickPolicy:
        """What is trained, and what is kept of it."""
        return self.mlp_extractor.actor

    def start_from(self, actor: ClutterPickPolicy) -> None:
        """Take over weights: the actor's, and for a start the critic's features as well."""
        for module in (self.actor, self.mlp_extractor.critic):
            module.load_state_dict(actor.state_dict())

    def _build(self, lr_schedule: Schedule) -> None:
        self.mlp_extractor = _ActorCritic(ClutterPickPolicy(self.spec), int(spaces.flatdim(self.action_space)))
        self.action_net = nn.Identity()
        self.value_net = nn.Linear(self.mlp_extractor.latent_dim_vf, 1)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        parameters = super()._get_constructor_parameters()
        parameters.pop("features_extractor_class")
        return {**parameters, "spec": self.actor.record()}
