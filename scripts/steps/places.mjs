import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where made things are kept that no commit holds: the test Python, stamps of what was built from what. */
export const cache = join(root, 'node_modules', '.cache', 'orrery')

/** Locks and half-made things live beside node_modules, because `npm ci` empties that. */
export const workshop = join(root, '.setup')
