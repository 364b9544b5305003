/**
 * Completion in fish.
 *
 * @module
 */

/** The script. */
export const fish: string = String.raw`# Completion of apex-token for fish.
# Keep it: apex-token completion fish > ~/.config/fish/completions/apex-token.fish
function __apex_token_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (apex-token __complete "=$current" $before[2..] 2>/dev/null)
    if test "$lines[1]" = file
        set -l name (string match -r -- '^--[^=]+=' "$current")
        printf '%s\n' "$name"(__fish_complete_path (string replace -r -- '^--[^=]+=' '' "$current"))
    else
        printf '%s\n' $lines[2..]
    end
end
complete -c apex-token -f -a '(__apex_token_complete)'
`;
