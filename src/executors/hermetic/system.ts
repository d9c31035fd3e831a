import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'

type Variables = Readonly<Record<string, string | undefined>>

/** Folders of the operating system: programs, libraries, settings and devices. */
export const SYSTEM = [
  '/usr',
  '/etc',
  '/opt',
  '/nix',
  '/snap',
  '/sys',
  '/proc',
  '/dev',
  '/run',
].concat([
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/var/run',
  '/var/cache/fontconfig',
])

/** Where programs have their files, beside the system's: each folder of PATH, the Python that it leads to, and what commands name. */
export function toolFolders(
  { variables, commands }: { variables: Variables; commands: readonly string[] },
  root: string,
): string[] {
  const home = variables['HOME'] ?? ''
  const named = [variables['VIRTUAL_ENV'], variables['CONDA_PREFIX']].filter(isNamed)
  const bins = (variables['PATH'] ?? '').split(delimiter).filter((each) => each.startsWith('/'))
  const programs = commands.flatMap(programOf)
  const found = [
    ...named,
    ...bins,
    ...bins.flatMap(aroundOf),
    ...programs,
    ...programs.flatMap((program) => aroundOf(dirname(program))),
  ]
  for (const bin of [...bins, ...named.map((each) => join(each, 'bin'))])
    for (const name of ['python', 'python3']) found.push(...baseOf(join(bin, name)))
  const folders = found.filter(
    (folder) => existsSync(folder) && !isSystem(folder) && !holds(folder, [root, home]),
  )
  // Of the project only what is an environment: its other folders are for the stage to declare.
  return outermost(folders).filter(
    (folder) => !isAt(folder, root) || existsSync(join(folder, 'pyvenv.cfg')) || isConda(folder),
  )
}

/** Asked for by those who want to know whether they are in a container. */
const MARKS = new Set(['/.dockerenv', '/.containerenv'])

export function isSystem(path: string): boolean {
  return MARKS.has(path) || SYSTEM.some((folder) => isAt(path, folder))
}

/** Whether a path is a folder, or lies in it. */
export function isAt(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** A folder that others do not lie in already. */
export function outermost(folders: readonly string[]): string[] {
  const sorted = [...new Set(folders)].toSorted()
  return sorted.filter((folder) => !sorted.some((other) => other !== folder && isAt(folder, other)))
}

/** The program that a command begins with, where it is named by its place. */
function programOf(command: string): string[] {
  const [, quoted, plain] =
    /^\s*(?:(?:exec|env)\s+)?(?:["'](\/[^"']+)["']|(\/\S+))/.exec(command) ?? []
  const program = quoted ?? plain
  return program === undefined ? [] : [program]
}

function holds(folder: string, others: readonly string[]): boolean {
  return others.some((other) => other !== '' && isAt(other, folder))
}

function isNamed(path: string | undefined): path is string {
  return path !== undefined && path.startsWith('/')
}

/** A tool's programs stand in a `bin` beside the rest of it. */
function aroundOf(bin: string): string[] {
  const around = dirname(bin)
  // What else lies there is the user's own.
  return ['bin', 'shims', 'condabin'].includes(basename(bin)) && basename(around) !== '.local'
    ? [around]
    : []
}

function isConda(folder: string): boolean {
  return existsSync(join(folder, 'conda-meta'))
}

/** The folders of the Python that a program is: it may be a link, or a virtual environment of another. */
function baseOf(program: string): string[] {
  try {
    const real = realpathSync(program)
    const prefix = dirname(dirname(real))
    const settings = join(dirname(dirname(program)), 'pyvenv.cfg')
    const home = existsSync(settings)
      ? /^home\s*=\s*(.+)$/m.exec(readFileSync(settings, 'utf8'))?.[1]?.trim()
      : undefined
    return home === undefined ? [prefix] : [prefix, dirname(home)]
  } catch {
    return []
  }
}
