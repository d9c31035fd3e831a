import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import type { Readable } from 'node:stream'
import type * as Sdk from '@aws-sdk/client-s3'
import { messageOf, Problem } from '#base/problem'
import {
  eachOf,
  estimateOf,
  PAGE,
  Passing,
  persistently,
  presentByListing,
  type Outgoing,
  type Transport,
} from './transport.ts'

/** Options of a remote as DVC names them. */
export type RemoteOptions = ReadonlyMap<string, string>

export interface Bucket {
  readonly sdk: typeof Sdk
  readonly client: Sdk.S3Client
  readonly bucket: string
  readonly where: string
  /** What goes with each object that is written. */
  readonly extras: Readonly<Record<string, string>>
  /** What an object that is encrypted with a customer's key is read with. */
  readonly reading: Readonly<Record<string, string>>
  keyOf(key: string): string
}

/** Of a file up to this size one request is made; larger ones go up in parts. S3 wants at least 5 MiB, and takes 10,000. */
const WHOLE_BYTES_MAX = 16 << 20
const PARTS_MAX = 9000
const PARTS_AT_ONCE = 3

/** A bucket, or a part of one, of Amazon's or of another server that speaks S3. */
export async function s3Transport(url: string, options: RemoteOptions): Promise<Transport> {
  const at = await bucketAt(url, options)
  const list = (below: string) => listed(at, below)
  return {
    where: at.where,
    list,
    present: async (keys, jobs) => present(at, keys, { jobs, list }),
    read: (key, from) => read(at, key, from),
    write: (key, file) => write(at, key, file),
    tidying: async () => (await import('./s3-tidying.ts')).bucketTidying(at),
  }
}

export async function bucketAt(url: string, options: RemoteOptions): Promise<Bucket> {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/i.exec(url) ?? []
  if (bucket === undefined)
    throw new Problem('invalid', `${url} names no bucket; write s3://BUCKET/PATH`)
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client(await clientOptions(options))
  const base = prefix.replace(/\/+$/, '')
  const endpoint = options.get('endpointurl')
  return {
    sdk,
    client,
    bucket,
    where: endpoint === undefined ? url : `${url} (${endpoint})`,
    extras: extrasIn(options),
    reading: customerKey(options),
    keyOf: (key) => (base === '' ? key : `${base}/${key}`),
  }
}

async function clientOptions(options: RemoteOptions): Promise<Sdk.S3ClientConfig> {
  const at = (name: string) => options.get(name)
  const endpoint = at('endpointurl')
  const region = at('region')
  const seconds = (name: string) => Number(at(name) ?? 60) * 1000
  return {
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined && endpoint === undefined ? {} : { region: region ?? 'us-east-1' }),
    ...(at('use_ssl')?.toLowerCase() === 'false' ? { tls: false } : {}),
    ...(await identity(options)),
    // Many servers that speak S3 do not know Amazon's newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 4,
    requestHandler: {
      connectionTimeout: at('connect_timeout') === undefined ? 5000 : seconds('connect_timeout'),
      socketTimeout: seconds('read_timeout'),
      httpsAgent: new Agent({ keepAlive: true, maxSockets: 64, ...trust(at('ssl_verify')) }),
      httpAgent: { maxSockets: 64, keepAlive: true },
    },
  }
}

/** Which certificates are believed: those of the system, of a file, or any. */
export function trust(verify: string | undefined): { rejectUnauthorized?: boolean; ca?: Buffer } {
  if (verify === undefined || verify.toLowerCase() === 'true') return {}
  if (verify.toLowerCase() === 'false') return { rejectUnauthorized: false }
  return { ca: readFileSync(verify) }
}

/** Who asks: nobody, whom the settings name, or whom environment, profile and machine say, as with every AWS tool. */
async function identity(options: RemoteOptions): Promise<Sdk.S3ClientConfig> {
  if (options.get('allow_anonymous_login')?.toLowerCase() === 'true')
    return {
      credentials: { accessKeyId: '', secretAccessKey: '' },
      signer: { sign: async (request) => request },
    }
  const [accessKeyId, secretAccessKey] = [
    options.get('access_key_id'),
    options.get('secret_access_key'),
  ]
  const sessionToken = options.get('session_token')
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return {
      credentials: {
        accessKeyId,
        secretAccessKey,
        ...(sessionToken === undefined ? {} : { sessionToken }),
      },
    }
  const profile = options.get('profile')
  const [filepath, configFilepath] = [options.get('credentialpath'), options.get('configpath')]
  if (filepath === undefined && configFilepath === undefined)
    return profile === undefined ? {} : { profile }
  const { fromIni } = await import('@aws-sdk/credential-provider-ini')
  return {
    credentials: fromIni({
      ...(profile === undefined ? {} : { profile }),
      ...(filepath === undefined ? {} : { filepath }),
      ...(configFilepath === undefined ? {} : { configFilepath }),
    }),
  }
}

const EXTRAS: Readonly<Record<string, string>> = {
  sse: 'ServerSideEncryption',
  sse_kms_key_id: 'SSEKMSKeyId',
  acl: 'ACL',
  grant_read: 'GrantRead',
  grant_read_acp: 'GrantReadACP',
  grant_write_acp: 'GrantWriteACP',
  grant_full_control: 'GrantFullControl',
}

function extrasIn(options: RemoteOptions): Record<string, string> {
  const named = Object.entries(EXTRAS).flatMap(([option, field]) => {
    const value = options.get(option)
    return value === undefined ? [] : [[field, value] as const]
  })
  return { ...Object.fromEntries(named), ...customerKey(options) }
}

function customerKey(options: RemoteOptions): Record<string, string> {
  const key = options.get('sse_customer_key')
  if (key === undefined) return {}
  return {
    SSECustomerAlgorithm: options.get('sse_customer_algorithm') ?? 'AES256',
    SSECustomerKey: key,
  }
}

/** One question for each key, or lists of the folders that they are in, whichever takes fewer answers. */
async function present(
  at: Bucket,
  keys: readonly string[],
  { jobs, list }: { jobs: number; list: (prefix: string) => AsyncIterable<string> },
): Promise<ReadonlySet<string>> {
  const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))
  if (keys.length > folders.size) {
    const sample = [...folders].find((folder) => folder.startsWith('files/md5/')) ?? ''
    const pages = (await persistently(() => estimateOf(sample, list))) / PAGE
    if (keys.length > Math.max(folders.size, (pages * folders.size) / 256))
      return presentByListing(keys, jobs, list)
  }
  const found = new Set<string>()
  await eachOf(keys, jobs, async (key) => {
    const { HeadObjectCommand } = at.sdk
    const command = new HeadObjectCommand({ Bucket: at.bucket, Key: at.keyOf(key), ...at.reading })
    const head = await telling(at, () => at.client.send(command), { absent: undefined })
    if (head !== undefined) found.add(key)
  })
  return found
}

async function* listed(at: Bucket, below: string): AsyncIterable<string> {
  const Prefix = at.keyOf(below)
  const cut = Prefix.length - below.length
  for (let token: string | undefined; ;) {
    const command = new at.sdk.ListObjectsV2Command({
      Bucket: at.bucket,
      Prefix,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    const page = await telling(at, () => at.client.send(command))
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key.slice(cut)
    token = page.NextContinuationToken
    if (page.IsTruncated !== true || token === undefined) return
  }
}

async function read(at: Bucket, key: string, from: number) {
  const command = new at.sdk.GetObjectCommand({
    Bucket: at.bucket,
    Key: at.keyOf(key),
    ...at.reading,
    ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
  })
  const answer = await telling(at, () => at.client.send(command), { absent: undefined })
  if (answer === undefined) return undefined
  return { bytes: answer.Body as Readable, sizeBytes: answer.ContentLength }
}

async function write(at: Bucket, key: string, file: Outgoing): Promise<void> {
  const named = { Bucket: at.bucket, Key: at.keyOf(key) }
  if (file.sizeBytes > WHOLE_BYTES_MAX) return writeInParts(at, named, file)
  const Body = await wholeOf(file)
  await telling(at, () =>
    at.client.send(new at.sdk.PutObjectCommand({ ...named, ...at.extras, Body })),
  )
}

async function wholeOf(file: Outgoing): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of file.open()) parts.push(chunk as Buffer)
  return Buffer.concat(parts)
}

/** An interrupted upload is given up: it never was an object. */
async function writeInParts(
  at: Bucket,
  named: { Bucket: string; Key: string },
  file: Outgoing,
): Promise<void> {
  const { sdk, client } = at
  const begin = new sdk.CreateMultipartUploadCommand({ ...named, ...at.extras })
  const { UploadId } = await telling(at, () => client.send(begin))
  const whole = { ...named, UploadId }
  const sent: Promise<Sdk.CompletedPart>[] = []
  const send = async (PartNumber: number, Body: Buffer): Promise<Sdk.CompletedPart> => {
    const command = new sdk.UploadPartCommand({ ...whole, ...at.reading, PartNumber, Body })
    const { ETag } = await telling(at, () => client.send(command))
    return { PartNumber, ETag }
  }
  try {
    for await (const part of partsOf(file)) {
      const sending = send(sent.length + 1, part)
      sending.catch(() => undefined)
      sent.push(sending)
      await sent.at(-PARTS_AT_ONCE)
    }
    const MultipartUpload = { Parts: await Promise.all(sent) }
    const command = new sdk.CompleteMultipartUploadCommand({
      ...whole,
      ...at.reading,
      MultipartUpload,
    })
    await telling(at, () => client.send(command))
  } catch (error) {
    await Promise.allSettled(sent)
    await client.send(new sdk.AbortMultipartUploadCommand(whole)).catch(() => undefined)
    throw error
  }
}

async function* partsOf(file: Outgoing): AsyncGenerator<Buffer> {
  const partBytes = Math.max(8 << 20, Math.ceil(file.sizeBytes / PARTS_MAX))
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of file.open()) {
    held.push(chunk as Buffer)
    heldBytes += (chunk as Buffer).length
    if (heldBytes < partBytes) continue
    yield Buffer.concat(held)
    held = []
    heldBytes = 0
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}

/** What each refusal means, and what to do. */
const REFUSALS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket does not exist; create it, or correct the url of the remote',
  InvalidAccessKeyId:
    'the access key is not known there; correct access_key_id, the profile or AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch:
    'the secret does not fit the access key; correct secret_access_key, the profile or AWS_SECRET_ACCESS_KEY',
  ExpiredToken: 'the credentials have expired; renew them',
  InvalidToken: 'the session token is not valid; correct session_token or AWS_SESSION_TOKEN',
  AccessDenied:
    'these credentials may not do that; correct them, or allow them to list, read and write objects of the bucket',
  CredentialsProviderError:
    'no credentials were found; set access_key_id and secret_access_key with `orrery remote modify --local`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile',
  PermanentRedirect: 'the bucket is in another region; set region',
  AuthorizationHeaderMalformed: 'the bucket is in another region; set region',
}

const ABSENT = new Set(['NoSuchKey', 'NotFound'])

export async function telling<T>(at: Bucket, work: () => Promise<T>): Promise<T>
export async function telling<T>(
  at: Bucket,
  work: () => Promise<T>,
  or: { absent: undefined },
): Promise<T | undefined>
export async function telling<T>(
  at: Bucket,
  work: () => Promise<T>,
  or?: { absent: undefined },
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Problem) throw error
    const {
      name = '',
      code = '',
      $metadata,
    } = error as {
      name?: string
      code?: string
      $metadata?: { httpStatusCode?: number }
    }
    if (
      or !== undefined &&
      (ABSENT.has(name) || $metadata?.httpStatusCode === 404) &&
      name !== 'NoSuchBucket'
    )
      return undefined
    const status = $metadata?.httpStatusCode
    const why =
      REFUSALS[name] ??
      (status === 403 ? REFUSALS['AccessDenied'] : undefined) ??
      (/region is missing/i.test(messageOf(error))
        ? 'its region is not known; set region'
        : undefined)
    if (why !== undefined) throw new Problem('unavailable', `${at.where} cannot be used: ${why}`)
    if (status === undefined || status >= 500)
      throw new Passing(
        `${at.where} cannot be reached (${code || name}: ${messageOf(error)}); check the address, and that the server is up`,
        { cause: error },
      )
    throw new Problem('unavailable', `${at.where} answered ${status} ${name}: ${messageOf(error)}`)
  }
}
