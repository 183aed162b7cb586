"""The pick server: perceive, plan, grasp, check, lift and place, as an action that can be canceled at every moment."""
