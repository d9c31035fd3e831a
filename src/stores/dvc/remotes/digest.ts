import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** A login by digest (RFC 7616): the server gives a number, and the password goes into a hash with it. */
export interface DigestLogin {
  /** The header for a request; undefined as long as the server has not asked. */
  header(method: string, url: URL): string | undefined
  /** Takes in what a server that refused asks for; false where it asks for nothing new that can be answered. */
  learn(answer: IncomingMessage): boolean
}

interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly algorithm: string | undefined
  readonly hash: string
  readonly isOfSession: boolean
  readonly hasCount: boolean
}

export function digestLogin({ user, password }: { user: string; password: string }): DigestLogin {
  let challenge: Challenge | undefined
  let count = 0
  return {
    header: (method, url) => {
      if (challenge === undefined) return undefined
      count++
      return headerFor(challenge, { user, password, method, url, count })
    },
    learn: (answer) => {
      const found = challengeIn(answer.headers['www-authenticate'])
      // The same number once more: the password is not right.
      if (found === undefined || found.nonce === challenge?.nonce) return false
      challenge = found
      count = 0
      return true
    },
  }
}

const HASHES: Readonly<Record<string, string>> = {
  md5: 'md5',
  'sha-256': 'sha256',
  'sha-512-256': 'sha512-256',
}

/** The first that can be answered: servers name the strongest first. */
function challengeIn(header: string | undefined): Challenge | undefined {
  for (const [, words = ''] of (header ?? '').matchAll(
    /(?:^|,\s*)Digest\s+((?:[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,]+)(?:\s*,\s*)?)+)/gi,
  )) {
    const said = new Map(
      Array.from(words.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g), (found) => [
        (found[1] ?? '').toLowerCase(),
        found[2]?.replaceAll(/\\(.)/g, '$1') ?? found[3] ?? '',
      ]),
    )
    const algorithm = said.get('algorithm')
    const name = (algorithm ?? 'MD5').toLowerCase()
    const hash = HASHES[name.replace(/-sess$/, '')]
    const ways = said.get('qop')?.split(/\s*,\s*/)
    const nonce = said.get('nonce')
    if (hash === undefined || nonce === undefined || ways?.includes('auth') === false) continue
    return {
      realm: said.get('realm') ?? '',
      nonce,
      opaque: said.get('opaque'),
      algorithm,
      hash,
      isOfSession: name.endsWith('-sess'),
      hasCount: ways !== undefined,
    }
  }
  return undefined
}

function headerFor(
  challenge: Challenge,
  asked: { user: string; password: string; method: string; url: URL; count: number },
): string {
  const { realm, nonce, opaque, algorithm, hasCount } = challenge
  const { user, password, method, url } = asked
  const hash = (text: string) => createHash(challenge.hash).update(text).digest('hex')
  const own = randomBytes(16).toString('hex')
  const uri = url.pathname + url.search
  const count = asked.count.toString(16).padStart(8, '0')
  const whose = hash(`${user}:${realm}:${password}`)
  const secret = challenge.isOfSession ? hash(`${whose}:${nonce}:${own}`) : whose
  const what = hash(`${method}:${uri}`)
  const response = hasCount
    ? hash(`${secret}:${nonce}:${count}:${own}:auth:${what}`)
    : hash(`${secret}:${nonce}:${what}`)
  const words = [
    ...Object.entries({ username: user, realm, nonce, uri, response }).map(quoted),
    ...(opaque === undefined ? [] : [quoted(['opaque', opaque])]),
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(hasCount ? [`qop=auth`, `nc=${count}`] : []),
    ...(hasCount || challenge.isOfSession ? [quoted(['cnonce', own])] : []),
  ]
  return `Digest ${words.join(', ')}`
}

function quoted([name, value]: readonly [string, string]): string {
  return `${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
