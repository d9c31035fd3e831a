import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.mjs'
import { SetupProblem } from './step.mjs'
import { installSystemPackages } from './system.mjs'

const NAMES = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser']
const USUAL_PLACES = [
  '/usr/lib/chromium/chromium',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** The Chromium that tests open pages with, installed where that is possible. */
export async function testBrowser() {
  const found = findBrowser()
  if (found !== undefined) return found
  return withLock('browser', async () => {
    const made = findBrowser()
    if (made !== undefined) return made
    await installSystemPackages(['chromium'], {
      why: 'the tests of the page need Chromium or Chrome, and none was found on PATH',
    })
    const installed = findBrowser()
    if (installed !== undefined) return installed
    throw new SetupProblem('Chromium was installed and yet does not start', {
      remedy: 'set ORRERY_TEST_CHROMIUM to the path of a Chromium or Chrome that starts',
    })
  })
}

function findBrowser() {
  const given = process.env.ORRERY_TEST_CHROMIUM
  if (given) return given
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...onPath, ...USUAL_PLACES].find((path) => existsSync(path) && starts(path))
}

// Ubuntu's chromium-browser is a script that only tells to install a snap, so presence is not enough.
function starts(path) {
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0
}
