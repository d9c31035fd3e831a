import { join } from 'node:path'
import { giveUp, setUp } from './setup.mjs'
import { become } from './steps/become.mjs'
import { root } from './steps/places.mjs'

// npm run demo: what is missing, then the year of flights.
const node = await setUp('web').catch(giveUp)
await become(node, join(root, 'src', 'cli', 'demo', 'main.ts'), process.argv.slice(2))
