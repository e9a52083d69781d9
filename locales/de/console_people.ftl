# People in the console, and `sspr user explain`.

## Why can, or cannot, this person reset? Gates, causes, remedies and methods bear the names of src/domain/obstacles

explain-gate-self-service = Der Dienst ist eingeschaltet
explain-gate-account = Das Konto ist eines, das bedient wird
explain-gate-name = Der Name führt zu diesem Konto
explain-gate-policy = Eine Richtlinie lässt die Person zu
explain-gate-methods = Es sind genug Nachweise da
explain-gate-limits = Nichts ist aufgebraucht
explain-gate-freeze = Das Konto ist nicht gesperrt worden
explain-gate-writeback = Für das Verzeichnis ist das Zurückschreiben eingeschaltet
explain-gate-agent = Ein Agent ist da
explain-gate-directory = Das Verzeichnis nennt das Konto in Ordnung
explain-gate-rights = Der Agent darf das Passwort setzen
explain-gate-age = Das Passwort ist alt genug für ein neues

explain-why-self-service-off = Der Dienst ist für die ganze Organisation ausgeschaltet.
explain-do-self-service-off = Schalten Sie den Dienst für die Organisation ein.
explain-why-removed = Seit { $when } hat das Verzeichnis dieses Konto nicht mehr, oder kein Agent meldet es mehr.
explain-do-removed = Prüfen Sie, ob es gelöscht oder aus dem Teil des Verzeichnisses verschoben wurde, den der Agent liest.
explain-why-disabled = Das Konto ist im Verzeichnis deaktiviert.
explain-do-disabled = Aktivieren Sie es im Verzeichnis. Der Agent meldet das binnen Minuten.
explain-why-protected = Es ist ein geschütztes Konto, zum Beispiel der Verwaltung: Solche Konten werden nie bedient.
explain-do-protected = Sein Passwort wird im Verzeichnis selbst gesetzt. Ist es nicht mehr privilegiert, löschen Sie dort adminCount.
explain-why-name-shared = Mehrere Konten heißen so, und keines lässt sich von den anderen unterscheiden.
explain-do-name-shared = Geben Sie ihnen im Verzeichnis verschiedene Anmeldenamen oder Adressen, oder verknüpfen Sie die Verzeichnisse.
explain-why-follows = Es gehört zu einem Konto in einem anderen Verzeichnis: Wer diesen Namen eingibt, setzt jenes zurück, und dieses folgt.
explain-do-follows = Sehen Sie das Konto an, dem es folgt.
explain-why-no-policy = Keine Richtlinie gilt für die Person.
explain-do-no-policy = Legen Sie eine Richtlinie für eine ihrer Gruppen oder für alle an, oder nehmen Sie die Person in eine Gruppe auf, die eine hat.
explain-why-not-served = Die Richtlinie „{ $what }“ sagt, dass die Person nicht bedient wird.
explain-do-not-served = Soll sie es werden, nehmen Sie sie in eine Gruppe mit einer anderen Richtlinie auf, oder ändern Sie diese.
explain-why-group-unknown = Die Richtlinie „{ $what }“ oder eine davor nennt eine Gruppe dieses Verzeichnisses, die kein Agent meldet. Solange bedient sie dort niemanden.
explain-do-group-unknown = Nennen Sie die Gruppe in den Einstellungen des Agenten, oder nehmen Sie sie aus der Richtlinie.
explain-why-too-few = Von { $gates } verlangten Nachweisen verschiedener Art hat die Person { $has }.
explain-do-too-few = Es fehlt eine weitere Methode: eine Adresse im Verzeichnis oder etwas, das die Person auf ihrer Kontoseite einrichtet. Unten sehen Sie, woran es bei jeder fehlt.
explain-why-cooling-off = Was da ist, ist zu neu oder wurde kürzlich geändert: Es weist vor { $when } nichts nach.
explain-do-cooling-off = Warten Sie bis dahin, oder nutzen Sie eine andere Methode der Person. Die Wartezeit schützt sie vor jemandem, der gerade etwas Eigenes eingetragen hat.
explain-why-waits = Zu viele Versuche oder Codes: { $what } – aufgebraucht bis { $when }.
explain-do-waits = Warten Sie bis dahin. Sind Sie sicher, dass es die Person selbst war, heben Sie die Grenze auf.
explain-why-frozen = Das Konto ist seit { $when } gesperrt, durch { $who }: { $what }.
explain-do-frozen = Klären Sie, was geschehen ist. Ist alles in Ordnung, heben Sie die Sperre auf.
explain-why-writeback-off = Für das Verzeichnis ist das Zurückschreiben aus: Von hier darf nichts daran geändert werden.
explain-do-writeback-off = Schalten Sie das Zurückschreiben für die Anbindung ein.
explain-why-no-agent = Kein Agent bedient das Verzeichnis.
explain-do-no-agent = Melden Sie einen Agenten für die Anbindung an.
explain-why-unconfirmed = Ein Agent ist da, aber niemand hat ihn bestätigt.
explain-do-unconfirmed = Vergleichen Sie seinen Fingerabdruck und bestätigen Sie ihn.
explain-why-silent = Von den Agenten des Verzeichnisses hat man seit einer Weile nichts gehört.
explain-do-silent = Prüfen Sie, ob der Agent auf seinem Rechner läuft und diese Adresse über HTTPS erreicht.
explain-why-no-key = Die Agenten sind da, aber keiner hat einen Schlüssel, der jetzt gilt.
explain-do-no-key = Sehen Sie in das Protokoll des Agenten; oft geht seine Uhr falsch.
explain-why-unreachable = Die Agenten sind da, aber keiner erreicht das Verzeichnis.
explain-do-unreachable = Prüfen Sie, ob die Domänencontroller laufen und das Konto des Agenten sich dort anmelden kann.
explain-why-barred = Die Antwort des Verzeichnisses: { $what }.
explain-do-barred = Bringen Sie das Konto im Verzeichnis in Ordnung.
explain-why-no-right = Das Konto des Agenten hat kein Recht, dieses Passwort zu setzen.
explain-do-no-right = Geben Sie dem Konto des Agenten dort, wo dieses Konto liegt, das Recht zum Zurücksetzen: Die Einrichtung des Agenten druckt den Befehl.
explain-why-too-young = Das Verzeichnis erlaubt ein neues Passwort ab { $when }: Das Mindestalter ist noch nicht erreicht.
explain-do-too-young = Warten Sie bis dahin, oder setzen Sie das Passwort im Verzeichnis selbst.
explain-why-too-young-ever = Das Verzeichnis erlaubt noch kein neues Passwort: Das Mindestalter ist noch nicht erreicht.
explain-why-behind = Lässt sich nicht sagen, bevor behoben ist, was darüber steht.
explain-do-behind = Beginnen Sie oben.
explain-why-not-asked = Niemand hat das Verzeichnis kürzlich gefragt.
explain-do-not-asked = Es wird mitten in jedem Zurücksetzen gefragt. Um es jetzt zu wissen, fragen Sie.

explain-barred-account-protected = der Agent behandelt es als geschütztes Konto
explain-barred-account-disabled = es ist deaktiviert
explain-barred-account-expired = das Konto ist abgelaufen
explain-barred-locked-for-good = die Verwaltung hat es gesperrt
explain-barred-gone = es ist nicht mehr da
explain-barred-out-of-scope = es liegt außerhalb des Teils, den der Agent bedient
explain-barred-other = es kann jetzt nicht bedient werden

explain-limit-code-try = Versuche mit gesendeten Codes
explain-limit-app-try = Versuche mit Codes der App
explain-limit-help-desk-try = Versuche mit Codes vom Helpdesk
explain-limit-password-try = Versuche mit dem jetzigen Passwort
explain-limit-operator = Anmeldeversuche von Betreuern
explain-limit-method-change = Änderungen an Methoden
explain-limit-code-send = Codes für dieses Konto
explain-limit-destination = Codes an diese Adresse oder Nummer
explain-limit-notice = Hinweise an diese Nummer
explain-limit-country-hour = SMS in dieses Land in einer Stunde
explain-limit-country-day = SMS in dieses Land an einem Tag
explain-limit-sms-budget = die heutigen SMS der Organisation
explain-limit-sms-notices = die heutigen Hinweise der Organisation per SMS
explain-limit-mail-budget = die heutigen Codes der Organisation per E-Mail
explain-limit-network = was aus einem Netz kommen darf

explain-lack-not-offered = ihre Richtlinie nimmt sie nicht
explain-lack-missing = ist nicht vorhanden
explain-lack-cooling-off = weist vor { $when } nichts nach
explain-lack-stopped = angehalten, weil es eine Kopie geben kann
explain-lack-used-up = kein Code ist übrig
explain-lack-behind-password = es öffnet sich mit eben dem vergessenen Passwort
explain-lack-country = in dieses Land gehen keine SMS
explain-lack-not-alone = nur zusammen mit einer anderen Methode der Person

## The help desk invites somebody

mail-invitation-subject = Setzen Sie ein neues Passwort bei { $tenant }
mail-invitation-intro = Der Helpdesk von { $tenant } bittet Sie, selbst ein neues Passwort für Ihr Konto zu setzen.
mail-invitation-then = Dort weisen Sie nach, dass Sie es sind, und wählen dann ein Passwort, das sonst niemand erfährt. Haben Sie nicht mit dem Helpdesk gesprochen, brauchen Sie nichts zu tun: Es wurde nichts geändert.
sms-invitation = { $tenant }: Der Helpdesk bittet Sie, selbst ein neues Passwort zu setzen: { $page }
