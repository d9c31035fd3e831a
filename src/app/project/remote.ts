import { homedir } from 'node:os'
import type { Remote, RunHistory, Shelf } from '#data'
import type { TreeFormat } from '#stores/dvc/measure'
import type { ObjectFolder } from '#stores/dvc/objects'
import { openFolderRemote } from '#stores/dvc/remote'
import { openFolderShelf } from '#stores/dvc/shelf'
import { remoteNamed, type ProjectSettings } from './settings.ts'

/** The remote of that name, or the default one, wherever it is. What reaches other machines is loaded when it is needed. */
export async function openRemote(
  settings: ProjectSettings,
  name: string | undefined,
  around: {
    readonly cache: ObjectFolder
    readonly trees: TreeFormat
    readonly variables: Readonly<Record<string, string | undefined>>
  },
): Promise<Remote> {
  const { cache, trees, variables } = around
  const named = remoteNamed(settings, name)
  if (named.isFolder) return openFolderRemote({ name: named.name, folder: named.url, cache, trees })
  const { openRemoteAt } = await import('#stores/dvc/remotes/open')
  const jobs = named.options.get('jobs')
  return openRemoteAt(named.url, withServer(named.options, variables), {
    name: named.name,
    cache,
    cacheFolder: settings.cacheFolder,
    shared: settings.shared,
    trees,
    jobs: jobs === undefined ? undefined : Number(jobs),
    ssh: sshHome(variables),
  })
}

/** All that lies on a remote, the default one without a name. */
export async function openRemoteShelf(
  settings: ProjectSettings,
  name: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<Shelf> {
  const named = remoteNamed(settings, name)
  if (named.isFolder)
    return openFolderShelf({ name: `the remote ${named.name}`, folder: named.url })
  const { openShelfAt } = await import('#stores/dvc/remotes/open')
  const around = { name: named.name, ssh: sshHome(variables) }
  return openShelfAt(named.url, withServer(named.options, variables), around)
}

/** The runs that a remote remembers, the default one without a name; undefined where nobody can ask what is there. */
export async function openRemoteHistory(
  settings: ProjectSettings,
  name: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<RunHistory | undefined> {
  const named = remoteNamed(settings, name)
  if (named.isFolder) return (await import('#stores/dvc/run-history')).folderHistory(named.url)
  const { openHistoryAt } = await import('#stores/dvc/remotes/open')
  const around = { name: named.name, ssh: sshHome(variables) }
  return openHistoryAt(named.url, withServer(named.options, variables), around)
}

function sshHome(variables: Readonly<Record<string, string | undefined>>) {
  return { home: variables['HOME'] ?? homedir(), agent: variables['SSH_AUTH_SOCK'] }
}

/** Other servers than Amazon's that speak S3 are named by the environment, too, as every AWS tool takes it. */
export function withServer(
  options: ReadonlyMap<string, string>,
  variables: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const server = variables['AWS_ENDPOINT_URL_S3'] ?? variables['AWS_ENDPOINT_URL']
  if (server === undefined || server === '' || options.has('endpointurl')) return options
  return new Map([...options, ['endpointurl', server]])
}
