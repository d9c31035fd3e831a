import { glob } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { statSync } from 'node:fs'
import { Problem } from '#base/problem'
import type { Added } from '#data'
import type { CalledIn } from './workspace.ts'

interface AddFlags {
  readonly paths: readonly string[]
  readonly out: string | undefined
  readonly force: boolean
  readonly glob: boolean
  readonly commit: boolean
  readonly relink: boolean
  readonly toRemote: boolean
  readonly remote: string | undefined
}

/** Adds what the flags of `orrery add` say. */
export async function adding(here: CalledIn, flags: AddFlags): Promise<Added[]> {
  const [first = ''] = flags.paths
  const noRelink = !flags.relink
  if (flags.toRemote || flags.out !== undefined) {
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(first))
      throw new Problem(
        'unsupported',
        `${first} is not on this machine; \`orrery import-url ${first}\` brings it here and tracks it`,
      )
    const path = placeFor(here, first, flags.out)
    if (flags.toRemote)
      return here.data.addToRemote({
        source: resolve(first),
        path,
        remote: flags.remote,
        force: flags.force || flags.out === undefined,
      })
    return here.data.addFrom({ source: resolve(first), path, force: flags.force, noRelink })
  }
  const paths = flags.glob ? await matching(flags.paths) : flags.paths
  return here.data.add(here.targets(paths), { noCommit: !flags.commit, noRelink })
}

/** In a folder that is there it keeps its name. */
function placeFor(here: CalledIn, source: string, out: string | undefined): string {
  // What lies in the project is tracked where it lies.
  if (out === undefined)
    return isInside(here.root, resolve(source))
      ? here.path(source)
      : here.path(basename(resolve(source)))
  const isFolder = statSync(out, { throwIfNoEntry: false })?.isDirectory() === true
  return here.path(isFolder ? join(out, basename(resolve(source))) : out)
}

function isInside(root: string, path: string): boolean {
  return path.startsWith(`${root}/`)
}

/** Names that begin with a dot are meant only where the pattern says so. */
async function matching(patterns: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const pattern of patterns) {
    const wantsHidden = pattern.split('/').some((part) => /^\.[^./]/.test(part))
    for await (const path of glob(pattern)) {
      const isHidden = path.split('/').some((part) => /^\.[^./]/.test(part))
      if (wantsHidden || !isHidden) found.add(path)
    }
  }
  if (found.size === 0)
    throw new Problem(
      'not-found',
      `nothing matches ${patterns.join(' ')}; quote patterns from your shell`,
    )
  return [...found].toSorted()
}
