import { join } from 'node:path'
import { giveUp, setUp } from './setup.mjs'
import { become } from './steps/become.mjs'
import { root } from './steps/places.mjs'

// npm start: what is missing, then the server.
const node = await setUp('web').catch(giveUp)
await become(node, join(root, 'src', 'cli', 'main.ts'), ['up', ...process.argv.slice(2)])
