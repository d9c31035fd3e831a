import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

/** Smaller than this, a compressed copy saves less than asking for it costs. */
const COMPRESSED_BYTES_MIN = 1024

/** Whom the page asks while it is worked on. */
const SERVER = process.env['ORRERY_URL'] ?? 'http://127.0.0.1:4680'

export default defineConfig({
  plugins: [react(), tailwindcss(), compressedCopies()],
  build: {
    target: 'es2024',
    modulePreload: { polyfill: false },
    // The page's policy lets no style or script stand in the document itself.
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 700,
    // What pages share is one file: a dozen small ones would cost a request each.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\//, priority: 2 },
            // Only pages with long lists need it, and the first page has none.
            { name: 'virtual', test: /@tanstack\/(react-virtual|virtual-core)/, priority: 1 },
            { name: 'shared', minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': SERVER, '/ajax-api': SERVER, '/get-artifact': SERVER } },
})

/** Writes `x.br` and `x.gz` beside each text file, so that the server never compresses. */
function compressedCopies(): Plugin {
  let folder = ''
  return {
    name: 'compressed-copies',
    apply: 'build',
    configResolved: (config) => {
      folder = resolve(config.root, config.build.outDir)
    },
    closeBundle: () => {
      for (const file of filesUnder(folder)) {
        if (!/\.(js|css|html|svg|md)$/.test(file)) continue
        const bytes = readFileSync(file)
        if (bytes.length < COMPRESSED_BYTES_MIN) continue
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }))
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
      }
    },
  }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesUnder(path) : [path]
  })
}
