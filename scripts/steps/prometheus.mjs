import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { withLock } from './lock.mjs'
import { installSystemPackages } from './system.mjs'

const TOOLS = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
}

/** Sees to the Prometheus that scrapes us in tests, and to the Alertmanager that our alerts go to. */
export async function testPrometheus() {
  const missing = Object.keys(TOOLS).filter((tool) => !isOnPath(tool))
  if (missing.length === 0) return
  await withLock('prometheus', () =>
    installSystemPackages([...new Set(missing.map((tool) => TOOLS[tool]))], {
      why: `the tests of alerts and metrics need ${missing.join(', ')}`,
    }),
  )
}

function isOnPath(tool) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => existsSync(join(folder, tool)))
}
