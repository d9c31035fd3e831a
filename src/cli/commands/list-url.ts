import { command } from '../command.ts'

export const listUrl = command({
  command: ['list-url <url>', 'ls-url'],
  describe: 'List what lies at a path or in a bucket',
  builder: (argv) =>
    argv
      .positional('url', { type: 'string', demandOption: true, describe: 'Path or address' })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'With what lies in folders',
      })
      .option('size', { type: 'boolean', default: false, describe: 'Show sizes' })
      .option('fs-config', { type: 'string', array: true, describe: 'Settings, name=value' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Say nothing' })
      .example('$0 list-url s3://bucket/folder -R --size', 'all files below, with their sizes'),
  handler: async (flags) => {
    const { environment } = await import('#app/settings/environment')
    const { listAddress } = await import('#app/project/address-listing')
    const { settingsIn } = await import('../imports.ts')
    const { say } = await import('../say.ts')
    const how = { deep: flags.recursive, settings: settingsIn(flags.fsConfig) ?? {} }
    const rows = await listAddress(flags.url, how, environment)
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
