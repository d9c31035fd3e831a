// The log keeps batches as they are written here: what these numbers mean never changes; new forms get new ones.
export const BATCH = 1
export const LATE = 2
export const SYNCED = 3
export const SKIPPED = 4
export const FEEDBACK = 5
/** A batch of a matrix: numbers of one width, one after the other, as they lie in memory. */
export const MATRIX = 6

/** How one value begins. Numbers are kept bit by bit, so that NaN, infinities and -0 come back as they went in. */
export const NULL = 0
export const FALSE = 1
export const TRUE = 2
export const NUMBER = 3
export const TEXT = 4
export const INTEGER = 5
export const LONG_INTEGER = 6
export const LIST = 7
/** A list of nothing but numbers: eight bytes each. */
export const NUMBERS = 8
/** The same with four bytes each. */
export const FLOATS = 9
