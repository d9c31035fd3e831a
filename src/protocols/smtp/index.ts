import { createTransport, type SentMessageInfo } from 'nodemailer'
import { messageOf, Problem } from '#base/problem'
import type { Mail } from './message.ts'

export { mailOf } from './message.ts'

/** A mail server and how it is spoken to. */
export interface MailServer {
  readonly host: string
  /** The address to connect to, which was checked; the host's name is what its certificate must have. */
  readonly address: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly login: { readonly user: string; readonly password: string } | undefined
}

const TIMEOUT_MS = 10_000

/** Sends one mail and gives the server's answer. Throws `unavailable` when the server did not take it. */
export async function sendMail(
  { host, address, port, tls, login }: MailServer,
  envelope: { from: string; to: readonly string[]; id: string; body: string; agent: string },
): Promise<{ status: number; body: string; retryAfterMs: null }> {
  const { subject, text, html, thread } = JSON.parse(envelope.body) as Mail
  const transport = createTransport({
    host: address,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { servername: host },
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // Nothing in a mail is read from this machine's files or fetched from elsewhere.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = envelope.from.slice(envelope.from.lastIndexOf('@') + 1)
  // A name of ours is no word in a mail's head.
  const named = (id: string) => `<${id.replaceAll(/[^A-Za-z0-9._-]/g, '.')}@${domain}>`
  try {
    const sent: SentMessageInfo = await transport.sendMail({
      from: envelope.from,
      to: [...envelope.to],
      subject,
      text,
      html,
      // The same at each attempt, by which mailboxes know a repetition.
      messageId: named(envelope.id),
      inReplyTo: named(thread),
      references: named(thread),
      headers: { 'X-Mailer': envelope.agent, 'Auto-Submitted': 'auto-generated' },
    })
    return { status: 250, body: sent.response ?? '', retryAfterMs: null }
  } catch (error) {
    throw new Problem('unavailable', `${host}:${port} did not take the mail: ${messageOf(error)}`)
  } finally {
    transport.close()
  }
}
