import type { FastifyRequest } from 'fastify'
import type { Caller } from '#datastores'

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
const LOOPBACK_NAME = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i
/** A proxy on the same machine speaks for others and says so with one of these. */
const OF_PROXIES = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

/** Who asks: the secret that the request brings in one of the ways that DVC knows, and whether it is from this machine. */
export function callerOf(request: FastifyRequest): Caller {
  const { headers, socket } = request.raw
  return {
    secret: secretIn(headers['x-orrery-token']) ?? authorizationIn(headers.authorization),
    isLocal:
      LOOPBACK.test(socket.remoteAddress ?? '') &&
      LOOPBACK_NAME.test(headers.host ?? '') &&
      OF_PROXIES.every((name) => headers[name] === undefined),
  }
}

/** The password of a login by user and password, whoever the user is, or a bearer's token. */
function authorizationIn(header: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\w+) +(\S+) *$/.exec(header ?? '') ?? []
  if (/^bearer$/i.test(scheme)) return secretIn(credentials)
  if (!/^basic$/i.test(scheme)) return secretIn(header)
  const login = Buffer.from(credentials, 'base64').toString('utf8')
  return secretIn(login.slice(login.indexOf(':') + 1))
}

function secretIn(given: string | string[] | undefined): string | undefined {
  return typeof given === 'string' && given.trim() !== '' ? given.trim() : undefined
}
