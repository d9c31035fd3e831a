import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { testBrowser } from './steps/browser.mjs'
import { findNode } from './steps/node.mjs'
import { installPackages } from './steps/packages.mjs'
import { testPythonBin } from './steps/python.mjs'
import { explain, SetupProblem } from './steps/step.mjs'
import { buildWeb } from './steps/web.mjs'

const parts = { python: testPythonBin, browser: testBrowser, web: buildWeb }

/** Makes what is missing: the packages always, other parts by name. Gives back the Node to go on with. */
export async function setUp(...names) {
  await installPackages()
  const node = findNode()
  for (const name of names) {
    if (!(name in parts))
      throw new SetupProblem(`there is no part ${name}`, {
        remedy: `name some of: ${Object.keys(parts).join(', ')}`,
      })
    await parts[name]()
  }
  return node
}

/** Ends the process with what went wrong, in a person's words. */
export function giveUp(error) {
  console.error(explain(error))
  process.exit(1)
}

const isMain = realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)
if (isMain) await setUp(...process.argv.slice(2)).catch(giveUp)
