import type * as Sdk from '@aws-sdk/client-s3'
import { messageOf, Problem } from '#base/problem'

/** How to reach S3; credentials are found as every AWS tool finds them. */
export interface S3Options {
  /** Of another server than Amazon's, with the bucket in the path. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** Only for tests: otherwise environment, profile and the machine's own role are asked. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A connected client with the commands it takes. */
export interface S3 {
  readonly sdk: typeof Sdk
  readonly client: Sdk.S3Client
  /** Where it is, for messages. */
  readonly where: string
  /** An address that does one thing for whoever has it. */
  presign(command: Presignable, expiresSeconds: number): Promise<string>
}

type Presignable = Sdk.GetObjectCommand | Sdk.PutObjectCommand | Sdk.UploadPartCommand

const CONNECT_MS_MAX = 5000
/** No byte for so long means that nobody is there any more. */
const SILENCE_MS_MAX = 60_000

/** Connects at the first call, and only once: the SDK takes its time and memory, which a server on local files never spends. */
export function lazyS3(options: S3Options): () => Promise<S3> {
  let connected: Promise<S3> | undefined
  return () => (connected ??= connect(options))
}

async function connect({ endpoint, region, credentials }: S3Options): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Other servers take any region, but the signature needs one.
    ...(region === undefined && endpoint === undefined ? {} : { region: region ?? 'us-east-1' }),
    ...(credentials === undefined ? {} : { credentials }),
    // Many servers that speak S3 do not know Amazon's newer checksums; a presigned address would hold that of no bytes.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS_MAX, socketTimeout: SILENCE_MS_MAX },
  })
  return {
    sdk,
    client,
    where: endpoint ?? 'Amazon S3',
    presign: async (command, expiresIn) => {
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
      return getSignedUrl(client, command as Sdk.GetObjectCommand, { expiresIn })
    },
  }
}

/** What each refusal of S3 means, and what to do; never with what it was sent. */
const REFUSALS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket does not exist; create it, or correct its name',
  InvalidAccessKeyId:
    'the access key is not known there; correct AWS_ACCESS_KEY_ID or the profile in AWS_PROFILE',
  SignatureDoesNotMatch:
    'the secret does not fit the access key; correct AWS_SECRET_ACCESS_KEY or the profile in AWS_PROFILE',
  ExpiredToken: 'the credentials have expired; renew them',
  InvalidToken: 'the session token is not valid; correct AWS_SESSION_TOKEN',
  AccessDenied:
    'these credentials may not do that; allow s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload',
  CredentialsProviderError:
    'no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
  PermanentRedirect: 'the bucket is in another region; set AWS_REGION',
  AuthorizationHeaderMalformed: 'the bucket is in another region; set AWS_REGION',
}
const UNREACHABLE =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|EHOSTUNREACH|ETIMEDOUT|TimeoutError|socket hang up/

/** Tells a failure of S3 as a problem: `not-found` for an absent object, else `unavailable`, since it takes the operator. */
export function s3Problem(error: unknown, s3: Pick<S3, 'where'>, bucket: string): unknown {
  if (error instanceof Problem) return error
  const { name = '', $metadata, code = '', message = '' } = error as SdkError
  const status = $metadata?.httpStatusCode
  if (message === 'Region is missing')
    return new Problem(
      'unavailable',
      `the bucket ${bucket} cannot be used: its region is not known; set AWS_REGION`,
    )
  if (status === undefined && !UNREACHABLE.test(`${name} ${code}`) && !(name in REFUSALS))
    return error
  const place = `the bucket ${bucket} at ${s3.where}`
  if (name === 'NoSuchKey' || name === 'NotFound')
    return new Problem('not-found', `there is no such file in ${place}`)
  const why =
    REFUSALS[name] ??
    (status === 403 ? REFUSALS['AccessDenied'] : undefined) ??
    (status === undefined
      ? `it cannot be reached (${code || name}); check the address, and that the server is up`
      : `it answered ${status} ${name} (${messageOf(error)})`)
  return new Problem('unavailable', `${place} cannot be used: ${why}`)
}

type SdkError = Partial<{
  name: string
  code: string
  message: string
  $metadata: { httpStatusCode?: number }
}>

/** Runs calls of S3, and tells their failures. */
export async function telling<T>(s3: S3, bucket: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw s3Problem(error, s3, bucket)
  }
}

/** The bucket and the prefix in `s3://bucket/prefix`; undefined for any other address. */
export function bucketIn(uri: string): { bucket: string; prefix: string } | undefined {
  const [, bucket, path = ''] =
    /^s3a?:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#]*))?(?:[?#].*)?$/i.exec(uri) ?? []
  return bucket === undefined ? undefined : { bucket, prefix: path.replace(/^\/+|\/+$/g, '') }
}
