"""The vector environment of each task, under a name that `envs.registration` gives to Gymnasium."""

from envs.manipulation.tasks import (
    DetourEnv,
    HandoverEnv,
    LiftEnv,
    PickPlaceEnv,
    PushEnv,
    ReachEnv,
    SlideEnv,
    Stack3Env,
    StackEnv,
)
from envs.vector import vector_entry_point

ReachVector = vector_entry_point(ReachEnv)
DetourVector = vector_entry_point(DetourEnv)
PushVector = vector_entry_point(PushEnv)
SlideVector = vector_entry_point(SlideEnv)
PickPlaceVector = vector_entry_point(PickPlaceEnv)
LiftVector = vector_entry_point(LiftEnv)
HandoverVector = vector_entry_point(HandoverEnv)
StackVector = vector_entry_point(StackEnv)
Stack3Vector = vector_entry_point(Stack3Env)
