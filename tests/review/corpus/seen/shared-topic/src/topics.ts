export const LOBBY = 'lobby'
