import { join } from 'node:path'
import { Problem } from '#base/problem'
import { isOn, type DvcConfig } from '#protocols/dvc/config'
import type { LinkType } from '#stores/dvc/links'
import { readLevels } from './config.ts'

/** What `.dvc/config` and the files above it say, as far as it matters here. Paths are absolute. */
export interface ProjectSettings {
  readonly cacheFolder: string
  readonly links: readonly LinkType[]
  readonly shared: boolean
  readonly versionControl: boolean
  readonly autostage: boolean
  readonly commandStyle: { bool: 'store_true' | 'boolean_optional'; list: 'nargs' | 'append' }
  readonly defaultRemote: string | undefined
  /** Where a remote is: a folder, or an address that is not on this machine. */
  readonly remotes: ReadonlyMap<string, string>
  /** All that is set for each of them, by DVC's names. */
  readonly remoteOptions: ReadonlyMap<string, ReadonlyMap<string, string>>
}

export function readSettings(
  root: string,
  variables: Readonly<Record<string, string | undefined>>,
): ProjectSettings {
  return settingsOf(readLevels({ root, variables }), root)
}

/** What settings say, wherever they were read. */
export function settingsOf(config: DvcConfig, root: string): ProjectSettings {
  const at = (section: string, name: string) => config.get(section)?.get(name)
  const remotes = remotesOf(config)
  return {
    cacheFolder: at('cache', 'dir') ?? join(root, '.dvc', 'cache'),
    links: linkTypes(at('cache', 'type')),
    shared: at('cache', 'shared') === 'group',
    versionControl: !isOn(at('core', 'no_scm')),
    autostage: isOn(at('core', 'autostage')),
    commandStyle: {
      bool: at('parsing', 'bool') === 'boolean_optional' ? 'boolean_optional' : 'store_true',
      list: at('parsing', 'list') === 'append' ? 'append' : 'nargs',
    },
    defaultRemote: at('core', 'remote'),
    remotes,
    remoteOptions: new Map([...remotes.keys()].map((name) => [name, optionsOf(config, name)])),
  }
}

/** Where a remote is, the default one without a name, and what is set for it. Throws a `Problem` that says what to set up. */
export function remoteNamed(
  settings: ProjectSettings,
  name: string | undefined,
): { name: string; url: string; isFolder: boolean; options: ReadonlyMap<string, string> } {
  const wanted = name ?? settings.defaultRemote
  if (wanted === undefined)
    throw new Problem(
      'not-found',
      'the project has no default remote; run `orrery remote add -d NAME FOLDER`, or name one with --remote',
    )
  const url = settings.remotes.get(wanted)
  if (url === undefined)
    throw new Problem(
      'not-found',
      `there is no remote ${wanted}; the project has ${[...settings.remotes.keys()].join(', ') || 'none'}`,
    )
  const isFolder = !/^[a-z][a-z0-9+.-]*:\/\//i.test(url)
  return { name: wanted, url, isFolder, options: settings.remoteOptions.get(wanted) ?? new Map() }
}

/** What is set for a remote; one that lies within another has what is set for that, too. */
function optionsOf(config: DvcConfig, name: string): ReadonlyMap<string, string> {
  const own = config.get(`remote "${name}"`) ?? new Map<string, string>()
  const other = /^remote:\/\/([^/]+)/.exec(own.get('url') ?? '')?.[1]
  const base = other === undefined ? undefined : config.get(`remote "${other}"`)
  return new Map([...(base ?? []), ...own])
}

function remotesOf(config: DvcConfig): Map<string, string> {
  const urls = new Map<string, string>()
  for (const [section, options] of config) {
    const name = /^remote "(.*)"$/.exec(section)?.[1]
    const url = options.get('url')
    if (name !== undefined && url !== undefined) urls.set(name, url.replace(/^file:\/\//, ''))
  }
  // One remote may lie within another: remote://backup/team.
  return new Map(
    [...urls].map(([name, url]) => {
      const [, other, path] = /^remote:\/\/([^/]+)\/?(.*)$/.exec(url) ?? []
      const base = other === undefined ? undefined : urls.get(other)
      return [name, base === undefined ? url : below(base, path ?? '')]
    }),
  )
}

function below(base: string, path: string): string {
  return base.includes('://') ? `${base.replace(/\/+$/, '')}/${path}` : join(base, path)
}

const LINK_TYPES = ['reflink', 'copy', 'hardlink', 'symlink'] as const

function linkTypes(text: string | undefined): LinkType[] {
  const wanted = (text ?? 'reflink,copy')
    .replaceAll(/["']/g, '')
    .split(',')
    .map((type) => type.trim())
  const known = LINK_TYPES.filter((type) => wanted.includes(type))
  return known.toSorted((one, other) => wanted.indexOf(one) - wanted.indexOf(other))
}
