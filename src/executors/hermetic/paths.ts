import { execFileSync } from 'node:child_process'
import { lstatSync, rmSync, type Stats } from 'node:fs'

export function stateOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    // Something on the way to it is no folder, or may not be looked into.
    return undefined
  }
}

/** Removes a folder, also one with folders that may not be looked into. */
export function removeAll(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    execFileSync('chmod', ['-R', 'u+rwX', folder], { stdio: 'ignore' })
    rmSync(folder, { recursive: true, force: true })
  }
}
