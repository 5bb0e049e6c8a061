"""What is promised beside an answer, and whether it held. Fitted on tune, told by the bundle, measured on the part that is shown.

sets         which classes are still possible, so that the true one is among them with a set probability
ranges       the same of quantities: how far the truth may lie from what is said
abstention   from which confidence on an answer is given, so that few of those given are wrong
rarity       how unusual an input is, by what the network makes of it and by plain rules of quality
shift        what changes where the data is another: the mix of classes, or of patients
promises     all of this together, as a bundle keeps it
coverage     whether the promises held on rows that had no part in them
facts        what trust.json holds of it
"""
