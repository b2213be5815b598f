"""TypeScript, TSX, JavaScript, JSX, and the script blocks of Vue and Svelte.

Each module uses those above it.

    grammars, syntax, names     text → tree; questions about one node; names of libraries that tell when code runs
    module                      one parsed file: nodes by kind, places, what names mean
    functions, objects, loops   what an expression calls or is, and how often a loop goes round
    standing, cleanups, delays  in what a node stands, and when it runs
    values, options             expressions → texts and patterns
    conditions, payload         under which tests a node is reached, and what becomes of a payload
    stores, deeds, handlers     what a handler reads, tests and does
    exports, holders, effects,
    rates, channels             `.channel(…)`, and all that is done with it wherever it is held
    clients, polls, surroundings
    facts, calls, reading       all of that for one file
"""
