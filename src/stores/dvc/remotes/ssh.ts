import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AnyAuthMethod, Client, ConnectConfig, SFTPWrapper } from 'ssh2'
import { randomIds } from '#base/ids'
import { messageOf, Problem } from '#base/problem'
import type { RemoteOptions } from './s3.ts'
import { hostSettings, jumpIn, type HostSettings, type SshHome } from './ssh-config.ts'
import {
  eachOf,
  Passing,
  persistently,
  presentByListing,
  type Outgoing,
  type Transport,
} from './transport.ts'

interface Host {
  readonly host: string
  readonly port: number
  readonly user: string
  /** What the user's own settings say of it. */
  readonly said: HostSettings
}

interface Place extends Host {
  readonly path: string
}

/** An idle connection must not keep the process from ending: its own socket, or that to the first host on the way. */
interface Connection {
  readonly client: Client
  readonly socket: Socket
}

interface Session {
  readonly sftp: SFTPWrapper
  readonly socket: Socket
}

/** Gives the connection to some work. */
export type Use = <T>(work: (sftp: SFTPWrapper) => Promise<T>) => Promise<T>

export const NO_SUCH_FILE = 2

/** A folder of another machine, over SFTP. One connection carries all transfers. */
export async function sshTransport(
  url: string,
  options: RemoteOptions,
  at: SshHome,
): Promise<Transport> {
  const place = await placeIn(url, options, at)
  const where = `ssh://${place.user}@${place.host}:${place.port}${place.path}`
  let opening: Promise<Session> | undefined
  let users = 0
  const again = () => void (opening = undefined)
  /** An idle connection must not keep the process from ending. */
  const begin = async () => {
    const opened = (opening ??= connected(place, options, at))
    opened.catch(again)
    const { sftp, socket } = await opened
    users++
    socket.ref()
    const end = () => {
      if (--users === 0) socket.unref()
    }
    return { sftp, end }
  }
  const use: Use = async (work) => {
    const { sftp, end } = await begin()
    try {
      return await work(sftp)
    } finally {
      end()
    }
  }
  const pathOf = (key: string) => `${place.path.replace(/\/+$/, '')}/${key}`
  const list = (prefix: string) => listed(use, pathOf(prefix), prefix)
  const folders = new Set<string>()
  return {
    where,
    list,
    present: async (keys, jobs) => {
      const prefixes = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))
      if (keys.length > 2 * prefixes.size) return presentByListing(keys, jobs, list)
      const found = new Set<string>()
      await eachOf(keys, jobs, (key) =>
        persistently(async () => {
          const size = await use((sftp) => sizeAt(sftp, pathOf(key), again))
          if (size !== undefined) found.add(key)
        }),
      )
      return found
    },
    read: async (key, from) => {
      const size = await use((sftp) => sizeAt(sftp, pathOf(key), again))
      if (size === undefined) return undefined
      const { sftp, end } = await begin()
      const bytes = sftp.createReadStream(pathOf(key), { start: from })
      bytes.once('close', end)
      bytes.once('error', again)
      return { bytes, sizeBytes: size - from }
    },
    write: (key, file) => use((sftp) => write(sftp, { path: pathOf(key), folders, again }, file)),
    tidying: async () => {
      const { folderTidying } = await import('./ssh-tidying.ts')
      return folderTidying({
        use,
        pathOf,
        makeFolderOf: (sftp, path) => makeFolder(sftp, dirname(path), folders),
        fault: (error, path) => faultOf(error, path, again),
      })
    },
  }
}

async function placeIn(url: string, options: RemoteOptions, at: SshHome): Promise<Place> {
  const { hostname, port, username, pathname } = new URL(url)
  if (hostname === '')
    throw new Problem('invalid', `${url} names no host; write ssh://USER@HOST/PATH`)
  const given = {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: options.get('port') ?? port,
    user: options.get('user') ?? decodeURIComponent(username),
  }
  return { ...(await hostAt(given, at)), path: decodeURIComponent(pathname) }
}

/** The remote's own words come first, then those of the user's settings. */
async function hostAt(
  given: { host: string; port: string | number | undefined; user: string | undefined },
  at: SshHome,
): Promise<Host> {
  const said = await hostSettings(given.host, at)
  return {
    host: said.host ?? given.host,
    port: Number(given.port || said.port || 22),
    user: given.user || said.user || userInfo().username,
    said,
  }
}

async function connected(place: Place, options: RemoteOptions, at: SshHome): Promise<Session> {
  const { client, socket } = await reached(place, options, at)
  return new Promise((resolve, reject) =>
    client.sftp((error, sftp) => {
      if (error === undefined) return resolve({ socket, sftp })
      client.end()
      reject(new Problem('unavailable', `${place.host} has no SFTP (${error.message})`))
    }),
  )
}

/** Straight, or from one host to the next. */
async function reached(place: Host, options: RemoteOptions, at: SshHome): Promise<Connection> {
  let way: Connection | undefined
  try {
    for (const jump of place.said.jumps) {
      const { host, port, user } = jumpIn(jump)
      // What the remote says of its login is about the last host.
      way = await loggedIn(await hostAt({ host, port, user }, at), new Map(), { at, way })
    }
    return await loggedIn(place, options, { at, way })
  } catch (error) {
    // All hosts on the way are reached by the first one's socket.
    way?.socket.destroy()
    throw error
  }
}

function forwarded({ client }: Connection, { host, port }: Host): Promise<Duplex> {
  return new Promise((resolve, reject) =>
    client.forwardOut('127.0.0.1', 0, host, port, (error, stream) => {
      if (error === undefined) resolve(stream)
      else
        reject(
          new Problem(
            'unavailable',
            `${host}:${port} is not reached by way of its ProxyJump (${error.message})`,
          ),
        )
    }),
  )
}

async function loggedIn(
  place: Host,
  options: RemoteOptions,
  { at, way }: { at: SshHome; way: Connection | undefined },
): Promise<Connection> {
  const { default: ssh2 } = await import('ssh2')
  const { parseKey } = ssh2.utils
  const keys = keysFor(
    { options, named: place.said.keys },
    at,
    (bytes, passphrase) => !(parseKey(bytes, passphrase) instanceof Error),
  )
  const usesAgent = options.get('allow_agent')?.toLowerCase() !== 'false'
  const login: ConnectConfig = {
    host: place.host,
    port: place.port,
    username: place.user,
    readyTimeout: Number(options.get('timeout') ?? 30) * 1000,
    authHandler: loginOf(place, options, { keys, agent: usesAgent ? at.agent : undefined }),
  }
  const files = [join(at.home, '.ssh', 'known_hosts'), ...place.said.known.files]
  const known = files.flatMap((file) => knownKeys(file, place))
  const types = [...new Set(known.map((key) => key.type))]
  const stream = way === undefined ? undefined : await forwarded(way, place)
  return new Promise((resolve, reject) => {
    const client: Client = new ssh2.Client()
    const socket = way?.socket ?? connect(place.port, place.host)
    let refusal: Problem | undefined
    client.on('ready', () => resolve({ client, socket }))
    client.on('error', (error) => {
      if (way === undefined) socket.destroy()
      reject(refusal ?? connectionFault(place, error))
    })
    client.connect({
      ...login,
      sock: stream ?? socket,
      ...(types.length === 0
        ? {}
        : {
            algorithms: { serverHostKey: { prepend: algorithmsOf(types), append: [], remove: [] } },
          }),
      hostVerifier: (key: Buffer) => {
        refusal = refusalOf(key, known, place)
        return refusal === undefined
      },
    })
  })
}

/** RSA keys sign in newer ways than their type says. */
function algorithmsOf(types: readonly string[]) {
  return types.flatMap((type) =>
    type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type],
  ) as never[]
}

function connectionFault(place: Host, error: Error & { level?: string }): Error {
  if (error.level === 'client-authentication')
    return new Problem(
      'unavailable',
      `${place.user}@${place.host} does not let us in; set user, keyfile or password of the remote with \`orrery remote modify --local\`, or add the key to your SSH agent${unreadOf(place)}`,
    )
  return new Passing(
    `${place.host}:${place.port} cannot be reached (${error.message}); check the address, and that the server is up${unreadOf(place)}`,
    { cause: error },
  )
}

/** Settings that nobody could look at may well be why. */
function unreadOf({ said: { unread } }: Host): string {
  return unread === undefined ? '' : `; ${unread}`
}

const OWN_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/** The keys that can be used, in the order in which they are tried. */
function keysFor(
  { options, named: said }: { options: RemoteOptions; named: readonly string[] },
  { home }: SshHome,
  isUsable: (bytes: Buffer, passphrase: string | undefined) => boolean,
): Buffer[] {
  const named = options.get('keyfile')
  const passphrase = options.get('passphrase')
  const own = said.length > 0 ? said : OWN_KEYS.map((name) => join(home, '.ssh', name))
  const files = named === undefined ? own : [named.replace(/^~(?=\/)/, home)]
  return files.flatMap((file) => {
    const bytes = existsSync(file) ? readFileSync(file) : undefined
    if (bytes !== undefined && isUsable(bytes, passphrase)) return [bytes]
    if (named === undefined) return []
    throw bytes === undefined
      ? new Problem('invalid', `the key file ${file} does not exist; correct keyfile of the remote`)
      : new Problem(
          'invalid',
          `the key file ${file} cannot be read; set passphrase of the remote if it has one`,
        )
  })
}

/** One key after the other, then the agent and the password. */
function loginOf(
  { user }: Host,
  options: RemoteOptions,
  { keys, agent }: { keys: readonly Buffer[]; agent: string | undefined },
): AnyAuthMethod[] {
  const password = options.get('password')
  const passphrase = options.get('passphrase')
  const secret = passphrase === undefined ? {} : { passphrase }
  return [
    ...keys.map((key) => ({ type: 'publickey' as const, username: user, key, ...secret })),
    ...(agent === undefined ? [] : [{ type: 'agent' as const, username: user, agent }]),
    ...(password === undefined ? [] : [{ type: 'password' as const, username: user, password }]),
  ]
}

interface KnownKey {
  readonly type: string
  readonly key: string
}

function knownKeys(file: string, { host, port, said }: Host): KnownKey[] {
  if (!existsSync(file)) return []
  const name = said.known.name ?? (port === 22 ? host : `[${host}]:${port}`)
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [hosts = '', type = '', key = ''] = line.trim().split(/\s+/)
      if (hosts === '' || hosts.startsWith('#') || hosts.startsWith('@')) return []
      return hosts.split(',').some((each) => names(each, name)) ? [{ type, key }] : []
    })
}

function names(pattern: string, host: string): boolean {
  const [, salt, wanted] = /^\|1\|([^|]+)\|([^|]+)$/.exec(pattern) ?? []
  if (salt === undefined || wanted === undefined)
    return pattern.toLowerCase() === host.toLowerCase()
  const digest = createHmac('sha1', Buffer.from(salt, 'base64')).update(host).digest()
  const expected = Buffer.from(wanted, 'base64')
  return digest.length === expected.length && timingSafeEqual(digest, expected)
}

function refusalOf(key: Buffer, known: readonly KnownKey[], place: Host): Problem | undefined {
  const { host, port } = place
  const shown = key.toString('base64')
  if (known.some((each) => each.key === shown)) return undefined
  const print = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
  return known.length === 0
    ? new Problem(
        'forbidden',
        `the host key of ${host} (${print}) is not known; if it is right, run \`ssh-keyscan -p ${port} ${host} >> ~/.ssh/known_hosts\`${unreadOf(place)}`,
      )
    : new Problem(
        'forbidden',
        `the host key of ${host} has changed to ${print}: somebody may stand in between; if the change is right, remove the old key with \`ssh-keygen -R\` and add the new one`,
      )
}

function faultOf(
  error: Error & { code?: number | string },
  path: string,
  again: () => void,
): Error {
  // Those with a number come from the other side, which answered; after others the connection is of no more use.
  if (typeof error.code === 'number')
    return new Problem(
      'unavailable',
      `${path} cannot be used: ${error.message}; see to its rights and space`,
    )
  again()
  return new Passing(messageOf(error), { cause: error })
}

function sizeAt(sftp: SFTPWrapper, path: string, again: () => void): Promise<number | undefined> {
  return new Promise((resolve, reject) =>
    sftp.stat(path, (error, stats) => {
      if (error === undefined) resolve(stats.isFile() ? stats.size : undefined)
      else if ((error as { code?: number }).code === NO_SUCH_FILE) resolve(undefined)
      else reject(faultOf(error, path, again))
    }),
  )
}

async function* listed(use: Use, folder: string, prefix: string): AsyncIterable<string> {
  const found = await use(
    (sftp) =>
      new Promise<string[]>((resolve, reject) =>
        sftp.readdir(folder, (error, entries) => {
          if (error === undefined) resolve(entries.map(({ filename }) => filename))
          else if ((error as { code?: number }).code === NO_SUCH_FILE) resolve([])
          else reject(faultOf(error, folder, () => undefined))
        }),
      ),
  )
  for (const name of found) yield `${prefix}${name}`
}

/** Written aside and renamed: nobody sees half an object. */
async function write(
  sftp: SFTPWrapper,
  { path, folders, again }: { path: string; folders: Set<string>; again: () => void },
  file: Outgoing,
): Promise<void> {
  await makeFolder(sftp, dirname(path), folders)
  const temporary = join(dirname(path), `.${randomIds.ulid()}.orrery`)
  try {
    await pipeline(file.open(), sftp.createWriteStream(temporary, { flags: 'wx', mode: 0o444 }))
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null | undefined) => (error ? reject(error) : resolve())
      // The plain rename does not replace what another one put there meanwhile, and OpenSSH's does.
      try {
        sftp.ext_openssh_rename(temporary, path, done)
      } catch {
        sftp.rename(temporary, path, done)
      }
    })
  } catch (error) {
    await new Promise<void>((resolve) => sftp.unlink(temporary, () => resolve()))
    if (error instanceof Problem) throw error
    throw faultOf(error as Error, path, again)
  }
}

async function makeFolder(sftp: SFTPWrapper, folder: string, made: Set<string>): Promise<void> {
  if (made.has(folder) || folder === '/' || folder === '.') return
  const isThere = await new Promise<boolean>((resolve) =>
    sftp.stat(folder, (error) => resolve(error === undefined)),
  )
  if (!isThere) {
    await makeFolder(sftp, dirname(folder), made)
    // Another transfer may have made it at the same moment; if nobody did, the write says so.
    await new Promise<void>((resolve) => sftp.mkdir(folder, () => resolve()))
  }
  made.add(folder)
}
