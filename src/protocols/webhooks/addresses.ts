import ipaddr from 'ipaddr.js'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Problem } from '#base/problem'

/** An address that a name stands for. */
export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** Gives all addresses of a name. */
export type Resolve = (host: string) => Promise<readonly Address[]>

/** Asks the operating system, which has a few threads for this and for files: names that take long must not hold all. */
const LOOKUPS_AT_ONCE = 2

export function systemResolve(): Resolve {
  const waiting: (() => void)[] = []
  let running = 0
  return async (host) => {
    if (running >= LOOKUPS_AT_ONCE)
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
      })
    running++
    try {
      return (await lookup(host, { all: true, verbatim: true })) as Address[]
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}

/**
 * The addresses of a URL's host that may be connected to. One that is not public forbids them all, because nobody else than
 * its owner chose the answer. Throws `invalid` for those, `unavailable` for a name that is not known now.
 */
export async function publicAddresses(url: URL, resolve: Resolve): Promise<readonly Address[]> {
  const addresses = await addressesOf(url, resolve)
  const closed = addresses.find(({ address }) => !isPublic(address))
  if (closed === undefined) return addresses
  const host = hostOf(url)
  const named = host === closed.address ? host : `${host} (${closed.address})`
  throw new Problem(
    'invalid',
    `webhooks are not sent to ${named}, which is not a public address; the server's setting webhookAllowPrivate allows it`,
  )
}

export async function addressesOf(url: URL, resolve: Resolve): Promise<readonly Address[]> {
  const host = hostOf(url)
  const family = isIP(host)
  if (family === 4 || family === 6) return [{ address: host, family }]
  const found = await resolve(host).catch(() => [])
  if (found.length > 0) return found
  throw new Problem(
    'unavailable',
    `the host ${host} of the webhook has no address now; check its name, and that this machine resolves it`,
  )
}

/** Whether an address is one of the public internet; an IPv4 address in IPv6's clothes is not. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  // Of IPv6 only 2000::/3 is given out.
  return parsed.kind() === 'ipv4' || ((parsed as ipaddr.IPv6).parts[0] ?? 0) >> 13 === 1
}

/** WHATWG's URL has read 0x7f.1, 2130706433 and 017700000001 as 127.0.0.1 already, and puts IPv6 into brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}
