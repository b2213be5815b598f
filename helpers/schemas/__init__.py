"""The text of `schema.prisma` and of SQL, taken apart without I/O: blocks, attributes, statements, names."""
