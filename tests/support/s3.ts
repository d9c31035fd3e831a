import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort, startFamily } from './process.ts'
import { pythonBin } from './python.ts'

const START_MS_MAX = 60_000
const OWNER = { accessKeyId: 'AKIATESTOWNER', secretAccessKey: 'secret-of-the-owner' }
const READER = { accessKeyId: 'AKIATESTREADER', secretAccessKey: 'secret-of-the-reader' }

/** A real S3 server of the test's own: SeaweedFS, on free loopback ports. */
export interface S3Server {
  readonly endpoint: string
  /** May do everything. */
  readonly owner: typeof OWNER
  /** May list and read. */
  readonly reader: typeof READER
  /** A client of the owner, to look past the code under test. */
  readonly client: S3Client
  /** Makes an empty bucket and gives its name. */
  createBucket(): Promise<string>
  /** Ends it at once and removes all that it kept. */
  stop(): Promise<void>
}

export async function startS3(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-s3-'))
  await writeFile(join(folder, 's3.json'), JSON.stringify({ identities: IDENTITIES }))
  const port = await freePort()
  const family = startFamily(join(pythonBin(), 'weed'), await flags(folder, port))
  family.stdout.resume()
  const endpoint = `http://127.0.0.1:${port}`
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: OWNER,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  const stop = async () => {
    client.destroy()
    // Asked politely, it may take a minute.
    await family.end()
    await rm(folder, { recursive: true, force: true })
  }
  let buckets = 0
  const createBucket = async () => {
    const Bucket = `bucket-${++buckets}`
    await client.send(new CreateBucketCommand({ Bucket }))
    return Bucket
  }
  try {
    // A bucket can be made some seconds before its first object can be kept.
    await ready(createBucket, family.log)
  } catch (error) {
    await stop()
    throw error
  }
  return { endpoint, owner: OWNER, reader: READER, client, createBucket, stop }
}

const IDENTITIES = [
  {
    name: 'owner',
    credentials: [{ accessKey: OWNER.accessKeyId, secretKey: OWNER.secretAccessKey }],
    actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
  },
  {
    name: 'reader',
    credentials: [{ accessKey: READER.accessKeyId, secretKey: READER.secretAccessKey }],
    actions: ['Read', 'List'],
  },
]

async function flags(folder: string, port: number): Promise<string[]> {
  const settings: Record<string, string | number> = {
    dir: folder,
    ip: '127.0.0.1',
    'ip.bind': '127.0.0.1',
    'master.volumeSizeLimitMB': 64,
    // Each bucket takes seven; with fewer the fourth one answers every write with a failure.
    'volume.max': 500,
    'master.telemetry': 'false',
    's3.config': join(folder, 's3.json'),
    's3.port': port,
    's3.port.iceberg': 0,
    's3.port.lance': 0,
  }
  // By default the second port of each is ten thousand above the first, which may be none.
  for (const name of ['s3.port.grpc', ...['master', 'volume', 'filer'].flatMap(portsOf)])
    settings[name] = await freePort()
  return ['server', '-s3', ...Object.entries(settings).map(([name, value]) => `-${name}=${value}`)]
}

function portsOf(part: string): string[] {
  return [`${part}.port`, `${part}.port.grpc`]
}

async function ready(attempt: () => Promise<unknown>, log: () => string): Promise<void> {
  for (const deadline = Date.now() + START_MS_MAX; ;) {
    const failure = await attempt().then(
      () => undefined,
      (error: Error) => error,
    )
    if (failure === undefined) return
    if (Date.now() > deadline)
      throw new Error(`the S3 server did not start: ${failure.message}\n${log()}`)
    await sleep(100)
  }
}
