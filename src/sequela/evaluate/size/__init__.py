"""How many patients a study needs: to develop a model, and to validate one (Riley 2020, BMJ 368:m441; Riley 2021, Stat Med 40).

developing   for yes-or-no questions, quantities and times: shrinkage, small optimism, a precise average
validating   for yes-or-no questions: the widths of the intervals of O:E, calibration slope and C statistic
variance     how much a model explains, from its C statistic
"""
