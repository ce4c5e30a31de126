//! What a person can intend (ops), in which order it goes (lanes), what ends trouble (remedies), and what it adds to the desk's rows meanwhile (overlay).
