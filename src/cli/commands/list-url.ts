import { posix } from 'node:path'
import { command, QUIET } from '../command.ts'
import { listingFlags } from '../listing.ts'

export const listUrl = command({
  command: ['list-url <url>', 'ls-url'],
  describe: 'List what lies at a path or in a bucket',
  builder: (argv) =>
    listingFlags(argv)
      .positional('url', { type: 'string', demandOption: true, describe: 'Path or address' })
      .option('fs-config', { type: 'string', array: true, describe: 'Settings, name=value' })
      .option('quiet', QUIET)
      .example('$0 list-url s3://bucket/folder -R --size', 'all files below, with their sizes'),
  handler: async (flags) => {
    const { environment } = await import('#app/settings/environment')
    const { listAddress } = await import('#app/project/address-listing')
    const { settingsIn } = await import('../imports.ts')
    const { drawn, levelOf } = await import('../listing.ts')
    const { say } = await import('../say.ts')
    const how = { level: levelOf(flags), folders: flags.tree }
    const settings = settingsIn(flags.fsConfig) ?? {}
    const { top, below } = await listAddress(flags.url, { ...how, settings }, environment)
    const single = { ...top, path: top.isFolder ? top.path : posix.basename(top.path) }
    const isSingle = how.level === 0 || !top.isFolder
    const rows = flags.tree ? drawn(top, below) : isSingle ? [single] : below
    if (flags.quiet) return
    const width = Math.max(0, ...rows.map(({ sizeBytes }) => String(sizeBytes ?? '').length))
    say(
      flags,
      rows.map(({ path, isFolder, sizeBytes }) => ({
        isdir: isFolder,
        path,
        ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
      })),
      rows.map(({ path, sizeBytes }) =>
        flags.size ? `${String(sizeBytes ?? '').padStart(width)}  ${path}` : path,
      ),
    )
  },
})
