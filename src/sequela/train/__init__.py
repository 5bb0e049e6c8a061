"""Training: the loop on Lightning, schedules, checkpoints and exact resume, several seeds, refitting, folds inside train.

`fit.fit` trains one model, `members.fit` several, `refit.fit` on train and tune together, `crossvalidate.choose` weighs variants.
"""
