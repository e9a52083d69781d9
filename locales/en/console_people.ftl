# People in the console, and `sspr user explain`.

## Why can, or cannot, this person reset? Gates, causes, remedies and methods bear the names of src/domain/obstacles

explain-gate-self-service = Self-service is on
explain-gate-account = The account is one that is served
explain-gate-name = The name leads to this account
explain-gate-policy = A policy serves them
explain-gate-methods = They have enough proofs
explain-gate-limits = They can go on without waiting
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
explain-why-too-few = { $gates ->
    [one] One proof is asked of them, and they have none.
   *[other] Of the { $gates } proofs of different kinds that are asked of them they have { $has }.
}
explain-do-too-few = They need another method: an address in the directory, or something that they register on their account page. Below you see what each one lacks.
explain-why-cooling-off = What they have is too new, or was changed lately: it proves nothing before { $when }.
explain-do-cooling-off = Wait until then, or let them in by another method that they have. The wait protects them from whoever has just added something of their own.
explain-why-waits = Too many tries or codes: { $what } is used up until { $when }.
explain-do-waits = Wait until then. If you are sure that it was them, lift the limit.
explain-some-wait = Some of their ways have to wait; another one is open. Which ones, and until when, stands below.
explain-why-frozen = The account is frozen since { $when }, by { $who }: { $what }.
explain-frozen-said = they say that this was not them: { $about }
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
explain-why-not-told = It cannot be read there who has this right; a reset tells.
explain-do-not-told = Whether the agent’s account had its rights when it last looked stands on the page of the agent, under Connectors.

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
explain-way-waits = has to wait until { $when }: { $what }, used up
explain-lack-behind-password = it opens with the very password that was forgotten
explain-lack-country = no text messages are sent to that country
explain-lack-not-alone = only together with another method of theirs

## The help desk invites somebody

mail-invitation-subject = Set a new password at { $tenant }
mail-invitation-intro = The help desk of { $tenant } asks you to set a new password for your account yourself.
mail-invitation-then = There you prove that it is you, and then choose a password that nobody else learns. If you have not spoken to the help desk, you need not do anything: nothing was changed.
sms-invitation = { $tenant }: the help desk asks you to set a new password yourself: { $page }

## Finding people

people-find = Name, sign-in name, address or phone
people-find-hint = Beginnings of names in any order; an e-mail address only whole; of a phone number the last four digits or more.
people-find-some = You see the members of your groups only.
people-find-go = Find
people-count = { $count ->
    [one] One person
   *[other] { $count } people
}
people-more = The first { $most }. There are more: please type on.
people-begin = Find a person
people-begin-text = Type what you know of them: a part of their name, what they sign in with, or the end of their phone number.
people-nobody = Nobody is called that
people-nobody-text = Check the spelling, or try another thing that you know of them. Somebody who is new in the directory appears here within minutes, if the agent reads the part of the directory in which they are.
people-sign-in = Sign-in name
people-directory = Directory
people-state-active = Active
people-state-disabled = Disabled in the directory
people-state-protected = Protected account
people-state-frozen = Frozen
people-state-gone = Gone from the directory

## One person

people-accounts = Accounts
people-place-first = goes first: this account follows it
people-place-follows = follows
people-reached = Reached at
people-reached-nowhere = Nowhere: the directory has no address and no number
people-policy = Policy
people-policy-none = None applies
people-privileged = privileged: more is asked of them
people-locked = Locked
people-locked-yes = Yes
people-locked-no = No
people-locked-at = as the directory said at { $when }
people-locked-unknown = Not known: the directory was not asked lately
people-look = Ask the directory now
people-why = Why can this person reset?
people-why-not = Why can’t this person reset?
people-can = Nothing that is known here stands in the way.
people-why-note = Besides these there is a limit for each network that somebody comes from. Which one that is, is known only when they come.
people-gate-open = yes
people-gate-shut = no
people-gate-unknown = not known
people-place-connectors = Connectors
people-place-account = That account
people-place-below = On this page
people-ways = Ways to prove who they are
people-way-works = works
people-limits = Limits in force
people-limits-none = None: they have to wait for nothing.
people-limits-until = until { $when }
people-limits-text = Lifting them lets this person go on at once, and whoever used the tries up, too. Make sure that it was them.
people-limits-lift = Lift these limits
people-freeze = Freeze
people-freeze-text = Nothing is reset, unlocked or changed from here while an account is frozen, and what is under way ends. They are told. What the directory itself allows is not touched.
people-freeze-reason = Why? For whoever looks next
people-freeze-go = Freeze this account
people-frozen-by = Frozen since { $when }, by { $who }
people-unfreeze-text = They are served again, and told so. Methods of the last two weeks cool off anew.
people-unfreeze = Lift the freeze
people-help = Help them
people-invite = Have them do it themselves
people-invite-text = They get a message at every address on file, which says where to set a new password. They prove who they are there, as anybody does.
people-invite-go = Send the message
people-code = Code for a caller
people-code-text = Make sure by the rules of your house that it is really them. Then have them read you the number that their page shows; you get a code that works there and nowhere else.
people-code-number = Number on their page
people-code-go = Make the code
people-code-title = Code for { $name }
people-code-read = Read this out to them:
people-code-once = Shown this once. It works for ten minutes, in the browser that shows the number. They are told that the help desk gave a code.
people-code-not-taken = Their policy takes no code from the help desk.
people-code-no-page = No page of theirs waits under this number. Have them read it once more, or begin again.
people-unlock = Unlock
people-unlock-text = Their password stays as it is. They are told.
people-unlock-go = Unlock the account
people-method-remove = Remove…
people-method-remove-text = It proves nothing from then on, and cannot be brought back. They are told at every address on file. Only for what they have lost, or somebody else has got: make sure that it is really them.
people-method-remove-go = Remove it for good
people-not-gone = This person is gone from the directory: there is nothing to be done for them.
people-not-yourself = This is your own account. You can look at it, but nobody acts for themselves here: use your own account page.
people-not-above = You can look at this person, but not act for them: they are an operator of a role that is not below yours.
people-activity = Lately
people-activity-about = As their own page tells them.
people-activity-none = Nothing happened in the last 90 days.
people-activity-what = What
people-activity-when = When
people-activity-who = Who
people-activity-from = From
people-activity-odd = perhaps somebody else
people-who-user = the person themselves
people-who-agent = Agent
people-who-cli = Command line
people-who-house = The service
people-back = Back to { $name }

people-said-frozen = The account is frozen, and they are told.
people-said-too-late = The account is frozen. One job was in an agent’s hands already: that one could not be called back. See below how it ended.
people-said-lifted = The freeze is lifted, and they are told.
people-said-limits = The limits are lifted: they can go on at once.
people-said-no-limits = There was nothing to lift.
people-said-removed = It is removed, and they are told.
people-said-gone = It was not there any more. Nothing was changed.
people-said-invited = The message is on its way.
people-said-nowhere = Nothing was sent: there is no address on file, or they were written to very often lately.
people-said-looked = The directory has answered.
people-said-busy = An agent is working on another job of this account at this moment. Please try again in a few seconds.
people-said-not-served = This person is not served at the moment: below you see why.
people-said-is-frozen = The account is frozen: lift that first.
people-said-not-ready = It cannot work now: below you see whether writeback, the agent or the directory is missing.
people-said-off = Unlocking without a new password is not switched on for their directory.

people-job = Job
people-job-title = For { $name }
people-job-waits = Waiting for an agent
people-job-now = An agent is at it
people-job-unlocked = The account is unlocked.
people-job-not-locked = The account was not locked: there was nothing to do.
people-job-locked-again = It was unlocked, and is locked again: something keeps trying an old password, often a phone or a mapped drive.
people-job-done = Done.
people-job-expired = No agent took it in time. Nothing was changed.
people-job-superseded = Something newer took its place. Nothing was changed by this one.
people-job-unknown = An agent had it and did not answer: it may have been done. Ask the directory.
people-job-refused = It was not done.
people-job-code = The agent’s word for it: { $code }
people-job-again = Look again

problem-own-account-title = This is your own account
problem-own-account-text = Nobody acts for themselves in the console. Use your own account page. Nothing was changed.
problem-person-gone-title = This person is gone from the directory
problem-person-gone-text = There is nothing to be done for them from here. Nothing was changed.

## A temporary password

temporary-title = Temporary password
temporary-for = Temporary password for { $name }
temporary-text = This browser makes a password and seals it to your organisation’s agents. It is set in the directory at once, unlocks the account, and must be changed at the next sign-in. The person is told, and is signed out of their account page.
temporary-care = Only if they cannot prove who they are themselves. Make sure by the rules of your house that it is really them. Accounts in linked directories keep their passwords.
temporary-go = Make and set a temporary password
temporary-script = This page needs JavaScript: the password is made and sealed in your browser, so that no server learns it.
temporary-making = Making and sealing …
temporary-waiting = Waiting for the directory …
temporary-set = It is set. Read it to them, or hand it over:
temporary-set-open = It is set, but the directory did not take it that it must be changed at the next sign-in. Tell them to change it.
temporary-unknown = An agent had it and did not answer: it may have been set. If the old password does not work any more, this is the one:
temporary-refused = The directory or the agent refused it. Nothing was changed.
temporary-once = Shown until you leave this page, and never again.
people-temporary = Temporary password
people-temporary-not = Not for this person: self-service does not serve them, or they are in a privileged group. Set their password in the directory itself.
people-temporary-text = For somebody who can prove nothing any more. It is made and sealed in your browser, shown to you once, and must be changed at the next sign-in. They are told.
people-temporary-go = Temporary password…
people-job-temporary = The temporary password is set. It was shown in the window in which it was made, and nowhere else.
people-job-must-change-not-set = The temporary password is set, but the directory did not take it that it must be changed at the next sign-in.

people-method-off = Removing a method
people-switched-off = Switched off for your organisation. An owner or administrator can switch it on under Settings.
people-switched-off-go = To the settings
problem-act-off-title = This is switched off
problem-act-off-text = Your organisation does not let anybody do this for people. Nothing was changed. An owner or administrator can switch it on under Settings.
