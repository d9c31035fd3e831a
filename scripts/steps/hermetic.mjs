import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.mjs'
import { installSystemPackages } from './system.mjs'

const TOOLS = { bwrap: 'bubblewrap', strace: 'strace' }

/** Sees to the tools by which stages are kept to what they declare. */
export async function testHermeticTools() {
  const missing = Object.keys(TOOLS).filter((tool) => !isOnPath(tool))
  if (missing.length === 0) return
  await withLock('hermetic', () =>
    installSystemPackages(
      missing.map((tool) => TOOLS[tool]),
      { why: `the tests of stages that are kept to what they declare need ${missing.join(', ')}` },
    ),
  )
}

function isOnPath(tool) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => existsSync(join(folder, tool)))
}
