"""When something comes, of one or several causes: what nets are taught, and the curves that are read off them.

A manner (`manner.py`) is one way of telling the chance of an event by time: hazards of intervals, masses of intervals (DeepHit),
mixtures of Weibull distributions, or hazards in proportion to a common one (Cox). Read the files in this order:

    watched      Watched: how long each row of a batch was seen, and what came
    outlook      Outlook, the head of all manners, and Manner, what each of them does
    edges        from times to intervals: their edges, and where a time lies between them
    incidence    cumulative hazards of causes made into chances that add up
    hazards, masses, weibull, proportional    the manners
    efron        partial likelihood, baseline hazards
    cured        some never have the event
"""
