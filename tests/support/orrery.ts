import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** The command line's module: what `npm test` has built, as an installed package has it, or the checkout's own. */
export const MAIN = join(
  root,
  ...(process.env['ORRERY_BUILT'] === '1' ? ['dist', 'cli', 'main.js'] : ['src', 'cli', 'main.ts']),
)
