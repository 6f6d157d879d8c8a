"""Who a customer is: identities and their merging, traits, and segments that follow events and time.

Identification of a batch, between its pure parts and the store:

    claimed   = identity.claims(sightings)              what each event says of who it is about
    subjects  = (store) the subject of each of claimed.identities, made where there was none:
                a new subject is its own customer and its own kin
    links     = claimed.links.between(subjects)
    fresh     = merging.news(links, (store) what is remembered of these pairs)
    known     = (store, locked) every subject and link of the kins of fresh's subjects
    resolved  = merging.resolve(fresh, known)           links to remember, who is whose customer now
    event i is of subject subjects[claimed.owners[i]]; where the owner is -1 it names nobody
"""
