import { giveUp, setUp } from './setup.mjs'
import { buildDist } from './steps/dist.mjs'

// npm run build, and before every npm pack: what the published package runs, in dist/ and web/dist/.

await setUp('web').catch(giveUp)
await buildDist().catch(giveUp)
