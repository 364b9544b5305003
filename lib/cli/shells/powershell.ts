/**
 * Completion in PowerShell.
 *
 * @module
 */

/** The script. */
export const powershell: string = String
  .raw`# Completion of apex-token for PowerShell. In $PROFILE: apex-token completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName apex-token -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    $lines = @(& apex-token __complete "=$wordToComplete" @before 2>$null)
    if ($lines.Count -eq 0) { return }
    if ($lines[0] -eq 'file') {
        return [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
    }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $word, $meaning = $_ -split "${"`t"}", 2
        if (-not $meaning) { $meaning = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $meaning)
    }
}
`;
