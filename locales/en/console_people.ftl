# People in the console, and `sspr user explain`.

## Why can, or cannot, this person reset? Gates, causes, remedies and methods bear the names of src/domain/obstacles

explain-gate-self-service = Self-service is on
explain-gate-account = The account is one that is served
explain-gate-name = The name leads to this account
explain-gate-policy = A policy serves them
explain-gate-methods = They have enough proofs
explain-gate-limits = Nothing is used up
explain-gate-freeze = The account is not frozen
explain-gate-writeback = Writeback is on for the directory
explain-gate-agent = An agent is there
explain-gate-directory = The directory says the account is in order
explain-gate-rights = The agent may set the password
explain-gate-age = The password is old enough to be changed

explain-why-self-service-off = Self-service is off for the whole organisation.
explain-do-self-service-off = Switch self-service on for the organisation.
explain-why-removed = The directory no longer has this account, or no agent tells of it any more, since { $when }.
explain-do-removed = See whether it was deleted, or moved out of the part of the directory that the agent reads.
explain-why-disabled = The account is disabled in the directory.
explain-do-disabled = Enable it in the directory. The agent tells of that within minutes.
explain-why-protected = It is a protected account, for example of an administrator: such accounts are never served.
explain-do-protected = Its password is set in the directory itself. If it is not privileged any more, clear adminCount there.
explain-why-name-shared = Several accounts are called that, and none of them can be told from the others.
explain-do-name-shared = Give them different sign-in names or addresses in the directory, or link their directories.
explain-why-follows = It belongs to an account in another directory: whoever types this name resets that one, and this one follows.
explain-do-follows = Look at the account that it follows.
explain-why-no-policy = No policy applies to them.
explain-do-no-policy = Make a policy for one of their groups or for everybody, or put them into a group that has one.
explain-why-not-served = The policy “{ $what }” says that they are not served.
explain-do-not-served = If they should be, put them into a group with another policy, or change this one.
explain-why-group-unknown = The policy “{ $what }”, or one before it, names a group of their directory that no agent tells of. Until it does, nobody there is served by it.
explain-do-group-unknown = Name the group in the settings of the agent, or take it out of the policy.
explain-why-too-few = Of the { $gates } proofs of different kinds that are asked of them they have { $has }.
explain-do-too-few = They need another method: an address in the directory, or something that they register on their account page. Below you see what each one lacks.
explain-why-cooling-off = What they have is too new, or was changed lately: it proves nothing before { $when }.
explain-do-cooling-off = Wait until then, or let them in by another method that they have. The wait protects them from whoever has just added something of their own.
explain-why-waits = Too many tries or codes: { $what } is used up until { $when }.
explain-do-waits = Wait until then. If you are sure that it was them, lift the limit.
explain-why-frozen = The account is frozen since { $when }, by { $who }: { $what }.
explain-do-frozen = Find out what happened. If all is well, lift the freeze.
explain-why-writeback-off = Writeback is off for their directory: nothing may change it from here.
explain-do-writeback-off = Switch writeback on for the connector.
explain-why-no-agent = No agent serves their directory.
explain-do-no-agent = Enrol an agent for the connector.
explain-why-unconfirmed = There is an agent, and nobody has confirmed it.
explain-do-unconfirmed = Compare its fingerprint and confirm it.
explain-why-silent = The agents of their directory have not been heard of for a while.
explain-do-silent = See whether the agent runs on its host and reaches this address by HTTPS.
explain-why-no-key = The agents are there, but none has a sealing key that is valid now.
explain-do-no-key = See the agent’s log; often its clock is wrong.
explain-why-unreachable = The agents are there, but none reaches the directory.
explain-do-unreachable = See whether the domain controllers are up and whether the agent’s account can sign in there.
explain-why-barred = The directory’s answer: { $what }.
explain-do-barred = Put the account in order in the directory.
explain-why-no-right = The agent’s account has no right to set this password.
explain-do-no-right = Give the agent’s account the right to reset passwords where this account is: the agent’s setup prints the command.
explain-why-too-young = The directory allows a new password from { $when }: its minimum age is not over.
explain-do-too-young = Wait until then, or set the password in the directory itself.
explain-why-too-young-ever = The directory does not allow a new password yet: its minimum age is not over.
explain-why-behind = Cannot be told before what stands above is mended.
explain-do-behind = Begin above.
explain-why-not-asked = Nobody has asked the directory lately.
explain-do-not-asked = It is asked in the midst of every reset. To know it now, ask.

explain-barred-account-protected = the agent treats it as a protected account
explain-barred-account-disabled = it is disabled
explain-barred-account-expired = the account has expired
explain-barred-locked-for-good = an administrator has locked it
explain-barred-gone = it is not there any more
explain-barred-out-of-scope = it lies outside the part of the directory that the agent serves
explain-barred-other = it cannot be served now

explain-limit-code-try = tries at codes that were sent
explain-limit-app-try = tries at codes of the app
explain-limit-help-desk-try = tries at codes from the help desk
explain-limit-password-try = tries at the current password
explain-limit-operator = operators' tries to sign in
explain-limit-method-change = changes of methods
explain-limit-code-send = codes for this account
explain-limit-destination = codes to this address or number
explain-limit-notice = notices to this number
explain-limit-country-hour = text messages to this country in an hour
explain-limit-country-day = text messages to this country in a day
explain-limit-sms-budget = the organisation’s text messages of today
explain-limit-sms-notices = the organisation’s notices by text message of today
explain-limit-mail-budget = the organisation’s codes by mail of today
explain-limit-network = what may come from one network

explain-lack-not-offered = their policy does not take it
explain-lack-missing = there is none
explain-lack-cooling-off = proves nothing before { $when }
explain-lack-stopped = stopped, because there may be a copy of it
explain-lack-used-up = no code is left
explain-lack-behind-password = it opens with the very password that was forgotten
explain-lack-country = no text messages are sent to that country
explain-lack-not-alone = only together with another method of theirs

## The help desk invites somebody

mail-invitation-subject = Set a new password at { $tenant }
mail-invitation-intro = The help desk of { $tenant } asks you to set a new password for your account yourself.
mail-invitation-then = There you prove that it is you, and then choose a password that nobody else learns. If you have not spoken to the help desk, you need not do anything: nothing was changed.
sms-invitation = { $tenant }: the help desk asks you to set a new password yourself: { $page }
