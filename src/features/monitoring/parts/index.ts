import type { Part } from '../part.ts'
import { drift } from './drift.ts'
import { performance } from './performance.ts'
import { quality } from './quality.ts'

/** Everything that is found out about windows, in the order in which it is looked at. */
export const PARTS: readonly Part[] = [drift, quality, performance]
