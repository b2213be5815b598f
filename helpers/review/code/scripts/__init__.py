"""TypeScript, TSX, JavaScript, JSX, and the script blocks of Vue and Svelte.

grammars    text → tree
syntax      questions about one node
module      one parsed file: places, names, where a node stands
values      expressions → texts and patterns
holders     the variables that hold a channel
channels    `.channel(…)` and what is done with it
payload     what a handler reads of its payload
deeds       what a handler does
facts       all of that for one file
linking     what several files know together
"""
