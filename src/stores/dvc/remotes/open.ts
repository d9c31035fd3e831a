import { Problem } from '#base/problem'
import type { Remote, RunHistory, Shelf } from '#data'
import { openNetworkRemote, type NetworkRemoteOptions } from './network.ts'
import type { RemoteOptions } from './s3.ts'
import type { SshHome } from './ssh-config.ts'
import type { Transport } from './transport.ts'

/** A remote at an address. What speaks to it is loaded here, so that other commands do not wait for it. */
export async function openRemoteAt(
  url: string,
  options: RemoteOptions,
  around: Omit<NetworkRemoteOptions, 'transport'> & { readonly ssh: SshHome },
): Promise<Remote> {
  if (keepsVersions(options)) return versionedAt(url, options, around)
  return openNetworkRemote({ ...around, transport: await transportTo(url, options, around) })
}

/** All that lies on a remote at an address, for who collects garbage and who scrubs. */
export async function openShelfAt(
  url: string,
  options: RemoteOptions,
  around: { readonly name: string; readonly ssh: SshHome },
): Promise<Shelf> {
  if (keepsVersions(options))
    throw new Problem(
      'unsupported',
      `the remote ${around.name} keeps versions by the bucket's own means (version_aware or worktree), and is not tidied here; use dvc to do it`,
    )
  const { openNetworkShelf } = await import('./shelf.ts')
  return openNetworkShelf({
    name: `the remote ${around.name}`,
    transport: await transportTo(url, options, around),
  })
}

/** The runs that a remote at an address remembers; undefined where nobody can ask what is there. */
export async function openHistoryAt(
  url: string,
  options: RemoteOptions,
  around: { readonly name: string; readonly ssh: SshHome },
): Promise<RunHistory | undefined> {
  if (keepsVersions(options)) return undefined
  const { networkHistory } = await import('../run-history.ts')
  return networkHistory(await transportTo(url, options, around))
}

function keepsVersions(options: RemoteOptions): boolean {
  return ['version_aware', 'worktree'].some((each) => options.get(each)?.toLowerCase() === 'true')
}

async function versionedAt(
  url: string,
  options: RemoteOptions,
  around: Omit<NetworkRemoteOptions, 'transport'>,
): Promise<Remote> {
  if (!/^s3:/i.test(url))
    throw new Problem(
      'unsupported',
      `the remote ${around.name} keeps versions by its own means (version_aware or worktree), which is supported on s3:// only; use dvc to reach it`,
    )
  return (await import('./versioned.ts')).openVersionedRemote(url, options, around)
}

async function transportTo(
  url: string,
  options: RemoteOptions,
  { name, ssh }: { name: string; ssh: SshHome },
): Promise<Transport> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === 's3') return (await import('./s3.ts')).s3Transport(url, options)
  if (scheme === 'http' || scheme === 'https')
    return (await import('./http.ts')).httpTransport(url, options)
  if (scheme === 'ssh' || scheme === 'sftp')
    return (await import('./ssh.ts')).sshTransport(url, options, ssh)
  throw new Problem(
    'unsupported',
    `the remote ${name} is at ${url}; folders, s3://, http://, https:// and ssh:// are supported, so use dvc to reach it`,
  )
}
