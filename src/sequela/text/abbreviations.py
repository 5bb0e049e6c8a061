"""Words that tell whether a sentence ends after them, in lower case and without their last point."""

from __future__ import annotations

from sequela.text.lists import spaced

# nothing ends after these, whatever follows
TITLES = spaced("dr drs mr mrs ms prof st vs eg ie e.g i.e cf fig figs eq approx ca resp incl viz al")
# after these a sentence ends only before a capital letter
ABBREVIATIONS = spaced("""
no nos vol ed dept tel ext ave temp wt ht hx dx rx tx sx fx pt pts yr yrs mo mos wk wks hr hrs min sec sq tab tabs cap caps
inj sol susp max avg est dist prox lat med ant post sup inf bilat b.i.d t.i.d q.i.d q.d p.r.n p.o a.m p.m bid tid qid qd prn
po am pm h.s a.c p.c o.d o.s o.u i.v i.m s.q etc jan feb mar apr jun jul aug sep sept oct nov dec inc ltd jr sr
""")
# a letter after these is no first name: "hepatitis C."
NUMBERED = spaced("type grade stage class group hepatitis vitamin factor protein phase level part")
# a sentence goes on after these, even in the next line
UNFINISHED = spaced("""
a an the of to in on at by for from with without and or nor but as is are was were be been has have had that which who than
his her their its this these those no not into after before during between per
""")
