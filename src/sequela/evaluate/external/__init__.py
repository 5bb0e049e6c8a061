"""A model in another place: how the patients differ, how sites differ, what it takes to recalibrate, whether it may be used.

case_mix    the rows held against what a bundle tells of those of development (Debray 2015, J Clin Epidemiol 68:279)
meta        numbers of several sites as one, with how far the next site may lie from it (Debray 2017, BMJ 356:i6460)
sites       each site's discrimination and calibration, its rows gathered by patient
local       three ways to recalibrate, and how much data each needs
facts       what trust.json tells of it
"""
