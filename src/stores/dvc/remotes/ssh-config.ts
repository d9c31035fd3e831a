import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'

/** Where the user's own keys, known hosts, settings and agent are. */
export interface SshHome {
  readonly home: string
  readonly agent: string | undefined
}

/** What the user's `~/.ssh/config` says of a host. */
export interface HostSettings {
  readonly host: string | undefined
  readonly port: number | undefined
  readonly user: string | undefined
  /** Files of keys, in the order in which they are tried; none for those that are usual. */
  readonly keys: readonly string[]
  /** Files of known hosts, and the name that the host has there; none for what is usual. */
  readonly known: { readonly files: readonly string[]; readonly name: string | undefined }
  /** By way of these hosts, the nearest first. */
  readonly jumps: readonly string[]
  /** Why the file was not looked at, where there is one. */
  readonly unread: string | undefined
}

const NOTHING_SAID: HostSettings = {
  host: undefined,
  port: undefined,
  user: undefined,
  keys: [],
  known: { files: [], name: undefined },
  jumps: [],
  unread: undefined,
}

/**
 * What OpenSSH makes of the user's settings for a host, with their patterns, includes and matches. Nobody is asked
 * where there is no such file; where OpenSSH is not installed, whatever fails says so.
 */
export async function hostSettings(host: string, { home }: SshHome): Promise<HostSettings> {
  if (host.startsWith('-')) throw new Problem('invalid', `${host} is no name of a host`)
  const file = join(home, '.ssh', 'config')
  if (!existsSync(file)) return NOTHING_SAID
  const lines = await askedOf(file, host)
  if (lines === undefined)
    return {
      ...NOTHING_SAID,
      unread: `${file} was not read, as that takes the program ssh, which is not on PATH here: install OpenSSH's client, or write host, user, port and keyfile into the remote`,
    }
  const all = (key: string) =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []))
  const [user] = all('user')
  const [name] = all('hostname')
  const [jumps = 'none'] = all('proxyjump')
  const [command = 'none'] = all('proxycommand')
  if (command !== 'none')
    throw new Problem(
      'unsupported',
      `${file} reaches ${host} by a ProxyCommand, which is not run here; write ProxyJump there, or use dvc`,
    )
  const whole = (path: string) => expanded(path, { home, host: name ?? host, user: user ?? '' })
  return {
    host: name,
    port: Number(all('port')[0] ?? 22),
    user,
    keys: all('identityfile').map(whole),
    known: {
      // OpenSSH names its own home there, whatever $HOME says.
      files: all('userknownhostsfile')
        .flatMap((each) => each.split(' '))
        .filter((each) => !/\.ssh\/known_hosts2?$/.test(each))
        .map(whole),
      name: all('hostkeyalias')[0],
    },
    jumps: jumps === 'none' ? [] : jumps.split(','),
    unread: undefined,
  }
}

/** Undefined where there is no OpenSSH. */
function askedOf(file: string, host: string): Promise<string[] | undefined> {
  return new Promise((resolve, reject) => {
    execFile('ssh', ['-F', file, '-G', '--', host], (error, output, said) => {
      if (error === null) resolve(output.split('\n'))
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT') resolve(undefined)
      else
        reject(
          new Problem('invalid', `${file} cannot be read by OpenSSH: ${said.trim()}; correct it`),
        )
    })
  })
}

function expanded(path: string, tokens: { home: string; host: string; user: string }): string {
  const values: Readonly<Record<string, string>> = {
    d: tokens.home,
    h: tokens.host,
    r: tokens.user,
    '%': '%',
  }
  return path
    .replace(/^"(.*)"$/, '$1')
    .replace(/^~(?=\/)/, tokens.home)
    .replaceAll(/%(.)/g, (found, token: string) => values[token] ?? found)
}

/** `USER@HOST:PORT`, as a jump is written. */
export function jumpIn(written: string): {
  host: string
  user: string | undefined
  port: number | undefined
} {
  const [, user, host = '', port] =
    /^(?:ssh:\/\/)?(?:(.*)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(written) ?? []
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    user,
    port: port === undefined ? undefined : Number(port),
  }
}
