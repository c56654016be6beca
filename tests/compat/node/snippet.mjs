// Prints the unmodified snippet for a host: node snippet.mjs '{"apiKey": "k", "host": "127.0.0.1:1"}'
import snippet from '@segment/snippet'

console.log(snippet.min(JSON.parse(process.argv[2])))
