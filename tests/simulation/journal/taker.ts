import { writeSync } from 'node:fs'
import { logIn } from './logged.ts'

// Takes a journal over into its log until it is killed. HOME

const [home = ''] = process.argv.slice(2)
const log = await logIn(home)
writeSync(1, 'ready 0\n')
for (;;) {
  await log.watermark('often')
  await new Promise((resolve) => setTimeout(resolve, 5))
}
