import { existsSync, statSync } from 'node:fs'
import { join, posix, relative, resolve, sep } from 'node:path'
import { Problem } from '#base/problem'
import type { ImportDone, Out } from '#data'
import { say } from './say.ts'
import type { CalledIn } from './workspace.ts'

/** How far an import goes, as the flags have it. */
export function extentOf(flags: { noExec: boolean; noDownload: boolean }) {
  if (flags.noExec && flags.noDownload)
    throw new Problem(
      'invalid',
      '--no-exec and --no-download exclude one another; give one of them',
    )
  return flags.noExec ? 'note' : flags.noDownload ? 'lock' : 'fetch'
}

/** Where an import goes in the project: as named, or into a folder that is there. */
export function outIn(here: CalledIn, out: string | undefined, from: string): string {
  const name = posix.basename(from.replace(/[?#].*$/, '').replace(/\/+$/, ''))
  const written = out ?? name
  const isFolder =
    out !== undefined &&
    statSync(resolve(process.cwd(), out), { throwIfNoEntry: false })?.isDirectory() === true
  return here.target(isFolder ? `./${join(written, name)}` : `./${written}`)
}

/** A relative path as it counts from the project's root; an address as it is. */
export function repositoryUrl(here: CalledIn, url: string): string {
  if (here.folder === '' || url.includes('://') || url.startsWith('/')) return url
  return existsSync(url) ? relative(here.root, resolve(url)).split(sep).join('/') : url
}

/** Settings given as name=value. */
export function settingsIn(
  written: readonly string[] | undefined,
): Record<string, string> | undefined {
  if (written === undefined || written.length === 0) return undefined
  return Object.fromEntries(
    written.map((each) => {
      const at = each.indexOf('=')
      if (at <= 0)
        throw new Problem('invalid', `${JSON.stringify(each)} is no setting; write name=value`)
      return [each.slice(0, at), each.slice(at + 1)]
    }),
  )
}

export function sayImports(
  here: CalledIn,
  flags: { json?: boolean; quiet: boolean },
  done: readonly ImportDone[],
): void {
  if (flags.quiet) return
  const files = [...new Set(done.flatMap((each) => each.files))].map((file) => here.shown(file))
  const lines = done.map(({ path, file, change, commit }) =>
    change === 'unchanged'
      ? `${here.shown(path)} is up to date`
      : `${here.shown(path)} -> ${here.shown(file)}${commit === undefined ? '' : `  from commit ${commit.slice(0, 12)}`}`,
  )
  const advice = files.length === 0 ? [] : ['', `To keep this version: git add ${files.join(' ')}`]
  say(flags, { imports: done }, [...lines, ...advice])
}

/** A path within the project as it counts from the `.dvc` file, as dvc writes it; others as they are. */
export function addressIn(here: CalledIn, url: string, out: string): string {
  if (url.includes('://')) return url
  const whole = resolve(url)
  const isInside = whole.startsWith(`${here.root}/`)
  if (url.startsWith('/') && !isInside) return url
  return relative(join(here.root, posix.dirname(out)), whole)
    .split(sep)
    .join('/')
}

/** Whether the project has data of other places at all; only then is what looks after it loaded. */
async function hasImports(here: CalledIn, from: 'repositories' | 'anywhere'): Promise<boolean> {
  const { tracked } = await here.pipelines.load()
  return tracked.some(
    ({ owner, push }) =>
      owner.kind === 'tracked' && owner.imported && (from === 'anywhere' || !push),
  )
}

/** Imports that have newer data where they came from, by their files; whom nobody could ask is told of. */
export async function outdatedImports(
  here: CalledIn,
  targets: readonly string[],
): Promise<Map<string, string>> {
  if (!(await hasImports(here, 'repositories'))) return new Map()
  const found = await (await here.imports()).outdated(targets)
  for (const { file, reason } of found)
    if (reason !== undefined)
      process.stderr.write(`orrery: ${here.shown(file)} may have newer data: ${reason}\n`)
  return new Map(
    found.flatMap(({ file, name, reason }) => (reason === undefined ? [[file, name]] : [])),
  )
}

/** Tells of datasets whose version in `dvc.lock` is gone: their stages are up to date, and could not run again. */
export async function tellLostVersions(here: CalledIn): Promise<void> {
  const { stages } = await here.pipelines.load()
  const names = stages.flatMap(({ deps }) => deps.flatMap(({ dataset }) => dataset ?? []))
  if (names.length === 0) return
  const { lostVersions } = await import('#app/project/lost-versions')
  const files = [...new Set(['dvc.yaml', ...stages.map(({ file }) => file)])]
  for (const { reason } of await lostVersions(here.root, { files, names }, here.tables))
    process.stderr.write(`orrery: ${reason}\n`)
}

/** Brings what was imported and no remote of this project has. */
export async function fetchImports(
  here: CalledIn,
  targets: readonly string[],
  only?: (out: Out) => boolean,
): Promise<void> {
  if (!(await hasImports(here, 'anywhere'))) return
  for (const { path, reason } of await (await here.imports()).fetch(targets, only))
    if (reason !== undefined) process.stderr.write(`orrery: ${here.shown(path)}: ${reason}\n`)
}
