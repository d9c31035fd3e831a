import { Problem } from '#base/problem'
import { telling, type Bucket } from './s3.ts'
import { objectsIn, type Kept, type Tidying } from './transport.ts'

/** S3 copies no larger object in one request. */
const COPY_BYTES_MAX = 5 * 2 ** 30
/** S3 takes no more of them in one request. */
const REMOVED_AT_ONCE = 1000

/** A bucket as who tidies it needs it. There is no renaming: what is moved is copied there and then removed. */
export function bucketTidying(at: Bucket): Tidying {
  const folders = (folder: string) => foldersIn(at, folder)
  const below = (folder: string) => keptBelow(at, folder)
  return {
    objects: () => objectsIn({ folders, below }),
    remove: (key) => removeAll(at, [key]),
    moving: {
      folders,
      below,
      move: (from, to) => moved(at, from, to),
      removeAll: (keys) => removeAll(at, keys),
      close: async () => {},
    },
  }
}

async function* pages(at: Bucket, folder: string, more: { Delimiter?: string } = {}) {
  const Prefix = at.keyOf(folder)
  for (let token: string | undefined; ;) {
    const command = new at.sdk.ListObjectsV2Command({
      Bucket: at.bucket,
      Prefix,
      ...more,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    const page = await telling(at, () => at.client.send(command))
    yield { page, cut: Prefix.length }
    token = page.NextContinuationToken
    if (page.IsTruncated !== true || token === undefined) return
  }
}

async function foldersIn(at: Bucket, folder: string): Promise<string[]> {
  const names: string[] = []
  for await (const { page, cut } of pages(at, folder, { Delimiter: '/' }))
    for (const { Prefix = '' } of page.CommonPrefixes ?? [])
      names.push(Prefix.slice(cut).replace(/\/$/, ''))
  return names
}

async function* keptBelow(at: Bucket, folder: string): AsyncIterable<Kept> {
  for await (const { page, cut } of pages(at, folder))
    for (const { Key, Size } of page.Contents ?? [])
      if (Key !== undefined) yield { key: `${folder}${Key.slice(cut)}`, sizeBytes: Size ?? 0 }
}

async function moved(at: Bucket, from: string, to: string): Promise<void> {
  const { sdk, client, bucket, extras, reading } = at
  const Key = at.keyOf(from)
  const look = (key: string) => {
    const head = new sdk.HeadObjectCommand({ Bucket: bucket, Key: at.keyOf(key), ...reading })
    return telling(at, () => client.send(head), { absent: undefined })
  }
  const there = await look(from)
  if (there === undefined) {
    // The answer to an earlier attempt may have been lost.
    if ((await look(to)) !== undefined) return
    throw new Problem('not-found', `${at.where}/${from} is not there any more`)
  }
  const { ContentLength = 0 } = there
  if (ContentLength > COPY_BYTES_MAX)
    throw new Problem(
      'unsupported',
      `it has ${ContentLength} bytes, and S3 puts nothing above 5 GiB aside; \`orrery gc --purge\` removes it for good`,
    )
  const copy = new sdk.CopyObjectCommand({
    Bucket: bucket,
    Key: at.keyOf(to),
    CopySource: [bucket, ...Key.split('/')].map(encodeURIComponent).join('/'),
    ...extras,
    ...Object.fromEntries(
      Object.entries(reading).map(([name, value]) => [`CopySource${name}`, value]),
    ),
  })
  await telling(at, () => client.send(copy))
  await removeAll(at, [from])
}

/** Of several those that stayed are named. */
async function removeAll(at: Bucket, keys: readonly string[]): Promise<void> {
  const { sdk, client, bucket: Bucket } = at
  const [only] = keys
  if (only !== undefined && keys.length === 1) {
    const command = new sdk.DeleteObjectCommand({ Bucket, Key: at.keyOf(only) })
    await telling(at, () => client.send(command))
    return
  }
  for (let from = 0; from < keys.length; from += REMOVED_AT_ONCE) {
    const Objects = keys.slice(from, from + REMOVED_AT_ONCE).map((key) => ({ Key: at.keyOf(key) }))
    const command = new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })
    const { Errors = [] } = await telling(at, () => client.send(command))
    const [stayed] = Errors
    if (stayed !== undefined)
      throw new Problem(
        'unavailable',
        `${at.where} did not remove ${Errors.length} of ${Objects.length} objects, ${stayed.Key ?? ''} among them: ${stayed.Message ?? stayed.Code ?? 'without a reason'}; allow these credentials to remove objects, then run the command again`,
      )
  }
}
